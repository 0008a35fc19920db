import { describe, expect, test } from 'vitest'
import { acceptedBy, forwardedText, type ParseChoices, refusedBy } from '../test-kit.ts'
import { mp3Of, wavOf } from '../test-kit-sound.ts'
import { pictureTokensMax } from './gemini-media.ts'
import { generateContent } from './generate-content.ts'
import { contentsOf, pictureOf, pngOf } from './test-kit-gemini.ts'

const accepted = (body: unknown, choices: ParseChoices = {}) =>
  acceptedBy(generateContent, body, { pathModel: 'fast', ...choices })
const refused = (body: unknown, choices: ParseChoices = {}) =>
  refusedBy(generateContent, body, { pathModel: 'fast', ...choices })
const withPart = (part: unknown) => contentsOf({ text: 'Look.' }, part)

/** Fields of `Part` and of `Tool` of @google/genai 3.3: those that go on, and those that are refused. */
const parts = {
  on: ['text', 'thought', 'thoughtSignature', 'functionCall', 'functionResponse', 'executableCode'].concat([
    ...['codeExecutionResult', 'partMetadata', 'speechMetadata', 'inlineData', 'mediaResolution'],
  ]),
  refused: ['fileData', 'videoMetadata', 'mediaProcessing', 'audioTranscription', 'toolCall', 'toolResponse'],
}
const tools = [
  'retrieval',
  'googleMaps',
  'mcpServers',
  'codeExecution',
  'computerUse',
  'enterpriseWebSearch',
].concat([
  ...['exaAiSearch', 'googleSearch', 'googleSearchRetrieval', 'parallelAiSearch', 'urlContext', 'fileSearch'],
])

describe('contents', () => {
  test.each([
    [
      'a call and its result',
      [
        { functionCall: { id: '1', name: 'f', args: { a: [1] } }, thoughtSignature: 'AAAA' },
        { functionResponse: { id: '1', name: 'f', response: { output: 'x' }, willContinue: false } },
      ],
    ],
    [
      'thoughts',
      [
        { text: 'Hmm', thought: true },
        { text: '', thought_signature: 'AAAA' },
      ],
    ],
    [
      'code that was run elsewhere',
      [{ executableCode: { code: '1', language: 'PYTHON' } }, { codeExecutionResult: { output: '1' } }],
    ],
    ['nulls', [{ text: 'a', fileData: null, inlineData: null, somethingNew: null }]],
    ['no parts', []],
  ])('of %s go on as they came', (_, given) => {
    const body = { contents: [{ role: 'model', parts: given }, { role: 'function' }] }
    expect(JSON.parse(forwardedText(accepted(body)))).toMatchObject(body)
  })

  test.each(parts.refused)('400 unsupported_parameter: a part with %s', (name) => {
    const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    for (const key of [name, snake]) {
      const refusal = refused(withPart({ [key]: {} }))
      expect(refusal).toMatchObject({ code: 'unsupported_parameter', param: `contents[0].parts[1].${key}` })
      expect(refusal.message).not.toContain('not known here')
    }
  })

  test.each(parts.on)('400 invalid_value: a part whose %s is of the wrong type', (name) => {
    expect(refused(withPart({ [name]: 5 })).code).toBe('invalid_value')
  })

  test.each([
    [{}, 'contents'],
    [{ contents: null }, 'contents'],
    [{ contents: [] }, 'contents'],
    [{ contents: 'Hi' }, 'contents'],
    [{ contents: ['Hi'] }, 'contents[0]'],
    [{ contents: [{ parts: {} }] }, 'contents[0].parts'],
    [{ contents: [{ parts: ['Hi'] }] }, 'contents[0].parts[0]'],
    [{ contents: [{ role: 'system', parts: [] }] }, 'contents[0].role'],
    [{ contents: [{ role: 1 }] }, 'contents[0].role'],
    [contentsOf({ thought_signature: 'a', thoughtSignature: 'b' }), 'contents[0].parts[0].thoughtSignature'],
    [{ contents: Array(2049).fill({}) }, 'contents'],
    [contentsOf(...Array(2049).fill({ text: '' })), 'contents[0].parts'],
  ])('400 invalid_value: %#', (body, param) => {
    expect(refused(body)).toMatchObject({ code: 'invalid_value', param })
  })

  test.each([
    [{ contents: [{ name: 'x' }] }, 'contents[0].name'],
    [contentsOf({ somethingNew: 1 }), 'contents[0].parts[0].somethingNew'],
    [
      contentsOf({ functionResponse: { parts: [{ fileData: {} }] } }),
      'contents[0].parts[0].functionResponse.parts[0].fileData',
    ],
    [contentsOf({ functionResponse: { x: 1 } }), 'contents[0].parts[0].functionResponse.x'],
    [contentsOf({ mediaResolution: { numTokens: 9999 } }), 'contents[0].parts[0].mediaResolution.numTokens'],
    [
      { ...contentsOf(), systemInstruction: { parts: [{ fileData: {} }] } },
      'systemInstruction.parts[0].fileData',
    ],
  ])('400 unsupported_parameter: %#', (body, param) => {
    expect(refused(body)).toMatchObject({ code: 'unsupported_parameter', param })
  })

  test('what the operator lets through by name goes on', () => {
    const body = contentsOf({ fileData: { fileUri: 'https://example.com/a.png' } })
    expect(accepted(body, { allowParameters: () => ['parts.fileData'] }).items).toBe(2)
  })
})

describe('tools', () => {
  const asked = (...given: unknown[]) => ({ ...contentsOf({ text: 'Hi' }), tools: given })

  test.each(tools)('400 unsupported_parameter: %s', (name) => {
    const refusal = refused(asked({ functionDeclarations: [{ name: 'f' }], [name]: {} }))
    expect(refusal).toMatchObject({ code: 'unsupported_parameter', param: `tools[0].${name}` })
    expect(refusal.message).toContain('runs')
  })

  test.each([
    [asked({ somethingNew: {} }), 'unsupported_parameter', 'tools[0].somethingNew'],
    [
      asked({ functionDeclarations: [{ name: 'f', x: 1 }] }),
      'unsupported_parameter',
      'tools[0].functionDeclarations[0].x',
    ],
    [asked({ functionDeclarations: {} }), 'invalid_value', 'tools[0].functionDeclarations'],
    [asked('googleSearch'), 'invalid_value', 'tools[0]'],
    [{ ...contentsOf(), toolConfig: { x: 1 } }, 'unsupported_parameter', 'toolConfig.x'],
    [
      { ...contentsOf(), toolConfig: { functionCallingConfig: 1 } },
      'invalid_value',
      'toolConfig.functionCallingConfig',
    ],
  ])('400: %#', (body, code, param) => {
    expect(refused(body)).toMatchObject({ code, param })
  })
})

describe('pictures', () => {
  test('cost what their size does, not the bytes of their text', () => {
    const data = pngOf(4000, 3000).replaceAll('=', '') + 'A'.repeat(400_000)
    const request = accepted(contentsOf(pictureOf(data), pictureOf(pngOf(10, 10), 'IMAGE/PNG')))
    expect(request.uses).toEqual({ imageInputTokens: 24 * 258 + 2240 })
    expect(request.forwardedBytesMax).toBeLessThan(400)
    expect(forwardedText(request)).toContain(data)
  })

  test('in the answer of a function count as well', () => {
    const parts = [{ inline_data: { mime_type: 'image/png', data: pngOf(100, 100) } }]
    expect(accepted(contentsOf({ functionResponse: { name: 'f', response: {}, parts } })).uses).toEqual({
      imageInputTokens: 2240,
    })
    const named = [{ inlineData: { ...pictureOf(pngOf(9, 9)).inlineData, displayName: 'a' } }]
    expect(refused(contentsOf({ functionResponse: { parts: named } })).param).toMatch(/displayName$/)
  })

  test('are bounded by the operator’s figure where there is one, and then other kinds are known', () => {
    const model = { media: { remote: false, imageTokensMax: 300, audioSecondsMax: null } }
    const heic = btoa('\0\0\0\x18ftypheic\0\0\0\0')
    const body = contentsOf(pictureOf(pngOf(4000, 3000)), pictureOf(heic, 'image/heic'))
    expect(accepted(body, { model }).uses).toEqual({ imageInputTokens: 600 })
    expect(refused(body)).toMatchObject({
      code: 'unsupported_parameter',
      param: 'contents[0].parts[1].inlineData',
    })
    expect(refused(contentsOf(pictureOf(pngOf(1, 1), 'image/heic')), { model }).code).toBe('invalid_value')
  })

  test.each([
    ['a film', pictureOf('AAAA', 'video/mp4'), 'unsupported_parameter', 'inlineData'],
    ['a document', pictureOf(btoa('%PDF-1.7'), 'application/pdf'), 'unsupported_parameter', 'inlineData'],
    ['a document that says it is a picture', pictureOf(btoa('%PDF-1.7')), 'invalid_value', 'inlineData'],
    ['no base64', pictureOf('hello world'), 'invalid_value', 'inlineData.data'],
    ['no data', { inlineData: { mimeType: 'image/png' } }, 'invalid_value', 'inlineData.data'],
    ['no type', { inlineData: { data: 'AAAA' } }, 'invalid_value', 'inlineData.mimeType'],
  ])('400: %s', (_, part, code, where) => {
    expect(refused(contentsOf(part))).toMatchObject({ code, param: `contents[0].parts[0].${where}` })
  })

  test('are measured in either alphabet of base64', () => {
    const data = pngOf(1023, 65_535)
    const other = data.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
    expect(other).not.toBe(data)
    const tokens = pictureTokensMax(1023, 65_535)
    expect(accepted(contentsOf(pictureOf(data), pictureOf(other))).uses).toEqual({
      imageInputTokens: 2 * tokens,
    })
    expect(refused(contentsOf(pictureOf(pngOf(1, 65_536)))).code).toBe('invalid_value')
  })

  test.each([
    // Below the fixed number of the later models.
    [384, 384, 2240],
    [1024, 1024, 2240],
    [960, 540, 2240],
    // Tiles, by either rule.
    [1920, 480, 12 * 258],
    [3072, 3072, 16 * 258],
    [8000, 100, 122 * 2 * 258],
    [10, 1, 10 * 258],
  ])('of %d by %d pixels take at most %d tokens', (width, height, tokens) => {
    expect(pictureTokensMax(width, height)).toBe(tokens)
    expect(pictureTokensMax(height, width)).toBe(tokens)
  })
})

describe('sound', () => {
  const soundOf = (bytes: Uint8Array, mimeType: string) =>
    pictureOf(btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')), mimeType)
  const price = { audioInput: 9000 }
  const wav = soundOf(wavOf({ seconds: 10 }), 'audio/wav')

  test('is 32 tokens a second, by its own bytes', () => {
    // The header counts as sound, and a second more for what an encoder adds.
    expect(accepted(contentsOf(wav), { price }).uses).toEqual({ audioInputTokens: 12 * 32 })
    const mp3 = soundOf(mp3Of(100), 'audio/mpeg')
    const request = accepted(contentsOf(wav, mp3, pictureOf(pngOf(1, 1))), { price })
    expect(request.uses).toEqual({ audioInputTokens: (12 + 5) * 32, imageInputTokens: 2240 })
    expect(request.forwardedBytesMax).toBeLessThan(500)
  })

  test('of another format is bounded by the operator’s figure alone', () => {
    const flac = soundOf(new TextEncoder().encode('fLaC and more'), 'audio/flac')
    const refusal = refused(contentsOf(flac), { price })
    expect(refusal).toMatchObject({ code: 'unsupported_parameter', param: 'contents[0].parts[0].inlineData' })
    expect(refusal.message).toContain('audioSecondsMax')
    const model = { media: { remote: false, imageTokensMax: null, audioSecondsMax: 60 } }
    expect(accepted(contentsOf(flac), { price, model }).uses).toEqual({ audioInputTokens: 60 * 32 })
  })

  test.each([
    ['without a price', wav, {}, 'unsupported_parameter'],
    ['whose header lies', soundOf(wavOf({ bytesPerSecond: 1_000_000 }), 'audio/wav'), price, 'invalid_value'],
    ['that is nothing', pictureOf('', 'audio/wav'), price, 'invalid_value'],
  ])('400: sound %s', (_, part, over, code) => {
    expect(refused(contentsOf(part), { price: over })).toMatchObject({
      code,
      param: 'contents[0].parts[0].inlineData',
    })
  })
})
