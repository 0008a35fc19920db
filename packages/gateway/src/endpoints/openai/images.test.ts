import { describe, expect, test } from 'vitest'
import { acceptedBy, forwardedText, modelOf, type ParseChoices, refusedBy } from '../test-kit.ts'
import { imageParameters, images } from './images.ts'

const base = { model: 'picture', prompt: 'A cat' }
const priced = { imageOutput: 30_000_000 }
const perPicture = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, perRequest: 4_000_000 }
const upstream = (upstreamModel: string, imageTokensMax: number | null = null): ParseChoices => ({
  model: { upstreamModel, media: { ...modelOf().media, imageTokensMax } },
  price: priced,
})
const second = upstream('gpt-image-2')

const accepted = (body: unknown, choices = second) => acceptedBy(images, body, choices)
const refused = (body: unknown, choices = second) => refusedBy(images, body, choices)

test("the table has the fields of the SDK's ImageGenerateParamsBase, and no others", () => {
  const keys = [
    ...['prompt', 'background', 'complexity', 'frame_count', 'frame_duration_ms', 'model', 'moderation'],
    ...['n', 'output_compression', 'output_format', 'partial_images', 'quality', 'response_format'],
    ...['safety_identifier', 'size', 'stream', 'style', 'svg', 'user'],
  ]
  expect([...imageParameters.keys()].sort()).toEqual(keys.sort())
})

describe('what is forwarded', () => {
  test('the text as it came, with only the changed fields replaced, and no cap', () => {
    const text = '{ "prompt": "é\\u00e9",\n  "model" : "picture", "size":"1024x1024" }'
    expect(forwardedText(accepted(text), { upstreamModel: 'gpt-image-2', userHash: 'u' })).toBe(
      '{ "prompt": "é\\u00e9",\n  "model" : "gpt-image-2", "size":"1024x1024","user":"u" }',
    )
  })

  test.each([
    ['background', 'transparent'],
    ['moderation', 'low'],
    ['output_format', 'webp'],
    ['output_compression', 0],
    ['output_compression', 100],
    ['response_format', 'b64_json'],
    ['style', 'vivid'],
    ['n', 10],
    ['n', null],
    ['size', '1536x1024'],
    ['size', 'auto'],
    ['quality', 'high'],
    ['partial_images', 0],
    ['stream', false],
    ['complexity', undefined],
  ])('%s %j as it came', (name, value) => {
    const sent = JSON.parse(forwardedText(accepted({ ...base, [name]: value })))
    expect(sent).toEqual({ ...base, model: 'gpt-5-mini', user: 'hash', [name]: value })
  })

  test('whoever the caller says it is', () => {
    const sent = JSON.parse(forwardedText(accepted({ ...base, user: 'a', safety_identifier: 'b' })))
    expect(sent).toMatchObject({ user: 'hash', safety_identifier: 'hash' })
  })
})

describe('what is refused', () => {
  test.each([
    ['prompt', undefined, 'prompt'],
    ['prompt', '', 'prompt'],
    ['prompt', ['a'], 'prompt'],
    ['prompt', 'a'.repeat(32_001), 'prompt'],
    ['n', 0, 'n'],
    ['n', 11, 'n'],
    ['n', 1.5, 'n'],
    ['n', '2', 'n'],
    ['stream', 'true', 'stream'],
    ['partial_images', 4, 'partial_images'],
    ['partial_images', -1, 'partial_images'],
    ['output_compression', 101, 'output_compression'],
    ['size', '512x512', 'size'],
    ['size', 1024, 'size'],
    ['quality', 'hd', 'quality'],
    ['quality', 'max', 'quality'],
  ])('400: %s %j with invalid_value that names it', (name, value, param) => {
    expect(refused({ ...base, [name]: value })).toMatchObject({ code: 'invalid_value', param })
  })

  test.each([
    ['background', 'red'],
    ['output_format', 'gif'],
    ['output_format', 'svg'],
    ['complexity', 'low'],
    ['frame_count', 16],
    ['frame_duration_ms', 100],
    ['svg', { model: 'gpt-6' }],
    ['prompt_rewriter', true],
    ['image', 'data:image/png;base64,AAAA'],
  ])('400: %s %j with unsupported_parameter that names it', (name, value) => {
    expect(refused({ ...base, [name]: value })).toMatchObject({ code: 'unsupported_parameter', param: name })
  })

  test('400: several pictures in one stream', () => {
    expect(refused({ ...base, stream: true, n: 2 })).toMatchObject({ code: 'invalid_value', param: 'n' })
    expect(accepted({ ...base, stream: true, n: 1 }).stream).toBe(true)
  })

  test('a prompt may have 32,000 characters, whatever they are made of', () => {
    expect(accepted({ ...base, prompt: '🦊'.repeat(32_000) }).choices).toBe(1)
    expect(refused({ ...base, prompt: '🦊'.repeat(32_001) }).param).toBe('prompt')
  })

  test('400: pictures that have no price or no bound, saying what the operator can do', () => {
    const rows: [ParseChoices, RegExp][] = [
      [upstream('gpt-image-1.5'), /imageTokensMax.*creditsPerRequest/],
      [{ ...upstream('gpt-image-1.5', 8000), price: { output: 8000 } }, /no price for pictures/],
      [{ ...second, price: { output: 0 } }, /no price for pictures/],
    ]
    for (const [choices, message] of rows) {
      expect(refused(base, choices)).toMatchObject({
        code: 'unsupported_parameter',
        param: 'model',
        message: expect.stringMatching(message),
      })
    }
  })
})

describe('what the quote needs', () => {
  const quote = (more: object, choices = second) => {
    const {
      outputTokensAsked,
      outputFixed,
      choices: pictures,
      uses,
    } = accepted({ ...base, ...more }, choices)
    return { tokens: outputTokensAsked, fixed: outputFixed, pictures, uses }
  }
  const drawn = { fixed: true, pictures: 1, uses: { imageOutput: true } }

  test('the tokens of one picture by its size and quality, and of its previews', () => {
    const size = { size: '1024x1024', quality: 'high' }
    expect(quote(size)).toEqual({ ...drawn, tokens: 7024 })
    expect(quote({ ...size, n: 3 })).toEqual({ ...drawn, tokens: 7024, pictures: 3 })
    expect(quote({ ...size, partial_images: 3, stream: true })).toEqual({ ...drawn, tokens: 7324 })
    expect(quote({})).toEqual({ ...drawn, tokens: 23_719 })
  })

  test('where all output is pictures, the price of output will do', () => {
    expect(quote({ size: '1024x1024', quality: 'low' }, { ...second, price: {} })).toEqual({
      ...drawn,
      tokens: 196,
    })
  })

  test("the operator's limit bounds what auto may become, and refuses what is surely larger", () => {
    const limited = upstream('gpt-image-2', 6000)
    expect(quote({}, limited).tokens).toBe(6000)
    expect(quote({ size: '1024x1024' }, limited).tokens).toBe(6000)
    expect(quote({ size: '1536x1024', quality: 'high' }, limited).tokens).toBe(5488)
    const refusal = refused({ ...base, size: '1024x1024', quality: 'high' }, limited)
    expect(refusal).toMatchObject({ code: 'invalid_value', param: 'size' })
    expect(refusal.message).toContain('7024')
  })

  test('and bounds every picture of a model whose tokens are not known', () => {
    const unknown = upstream('gpt-image-2.6-flare', 9000)
    expect(quote({ size: 'huge', quality: 'best', partial_images: 1 }, unknown).tokens).toBe(9100)
  })

  test("where a picture has one price, the operator's limit refuses the large ones all the same", () => {
    const limited = { ...upstream('gpt-image-2', 6000), price: perPicture }
    expect(quote({ size: '1536x1024', quality: 'high' }, limited).tokens).toBe(0)
    expect(quote({}, limited).tokens).toBe(0)
    expect(refused({ ...base, size: '1024x1024', quality: 'high' }, limited)).toMatchObject({
      code: 'invalid_value',
      param: 'size',
    })
  })

  test('a price per picture bounds itself, whatever the size and the quality', () => {
    for (const upstreamModel of ['dall-e-3', 'gpt-image-2']) {
      const choices = { model: { upstreamModel }, price: perPicture }
      expect(quote({ n: 4, size: '256x256', quality: 'hd' }, choices)).toEqual({
        tokens: 0,
        fixed: true,
        pictures: 4,
        uses: undefined,
      })
    }
  })
})
