import { describe, expect, test } from 'vitest'
import type { ModelRequest } from '../../ports.ts'
import { acceptedBy, forwardedText, type ParseChoices, refusedBy } from '../test-kit.ts'
import { geminiParameters, generationParameters } from './gemini-parameters.ts'
import { generateContent, streamGenerateContent } from './generate-content.ts'
import { contentsOf } from './test-kit-gemini.ts'

const base = contentsOf({ text: 'Hi' })
const pathModel = 'models/fast'
const accepted = (body: unknown, choices: ParseChoices = {}) =>
  acceptedBy(generateContent, body, { pathModel, ...choices })
const refused = (body: unknown, choices: ParseChoices = {}) =>
  refusedBy(generateContent, body, { pathModel, ...choices })

function forwarded(request: ModelRequest): Record<string, unknown> {
  return JSON.parse(forwardedText(request, { outputTokensMax: 99 }))
}

/** Fields of `GenerateContentConfig` of @google/genai 3.3 that it puts at the top level. */
const requestFields = [
  'contents',
  'systemInstruction',
  'tools',
  'toolConfig',
  'generationConfig',
  'safetySettings',
].concat(['serviceTier', 'labels', 'cachedContent', 'continuationToken', 'store'])
/** Fields of its `GenerationConfig`, and of `GenerateContentConfig` what it puts there. */
const generationFields =
  'modelSelectionConfig responseJsonSchema audioTranscriptionConfig audioTimestamp candidateCount ' +
  'enableAffectiveDialog frequencyPenalty logprobs maxOutputTokens mediaResolution presencePenalty responseFormat ' +
  'responseLogprobs responseMimeType responseModalities responseSchema routingConfig seed speechConfig stopSequences ' +
  'temperature thinkingConfig topK topP enableEnhancedCivicAnswers translationConfig imageConfig'

describe('the tables', () => {
  test('have a row for each field of the SDK, in both spellings', () => {
    const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    for (const name of requestFields) {
      expect(geminiParameters.has(name), name).toBe(true)
      expect(geminiParameters.get(snake(name))).toBe(geminiParameters.get(name))
    }
    for (const name of generationFields.split(' ')) {
      expect(generationParameters.has(name), name).toBe(true)
      expect(generationParameters.get(snake(name))).toBe(generationParameters.get(name))
    }
    expect(generationParameters.has('max_output_tokens')).toBe(true)
  })
})

describe('what is forwarded', () => {
  test('the text as it came, with only the cap written into it', () => {
    const text =
      '{ "contents":[ {"parts":[{"text":"é\\u00e9"}]} ],\n "generationConfig" : { "topP":0.10 , "maxOutputTokens": 7e1 } }'
    expect(forwardedText(accepted(text), { outputTokensMax: 50 })).toBe(
      '{ "contents":[ {"parts":[{"text":"é\\u00e9"}]} ],\n "generationConfig" : { "topP":0.10 , "maxOutputTokens": 50 } }',
    )
  })

  test.each([
    ['no config', {}, { generationConfig: { maxOutputTokens: 99 } }],
    ['a config of null', { generationConfig: null }, { generationConfig: { maxOutputTokens: 99 } }],
    ['an empty one', { generation_config: {} }, { generation_config: { maxOutputTokens: 99 } }],
    [
      'one in the other spelling',
      { generation_config: { max_output_tokens: 5, top_k: 3 } },
      { generation_config: { max_output_tokens: 99, top_k: 3 } },
    ],
    [
      'one spelling in the other',
      { generationConfig: { max_output_tokens: null } },
      { generationConfig: { max_output_tokens: 99 } },
    ],
  ])('the cap, with %s', (_, given, expected) => {
    expect(forwarded(accepted({ ...base, ...given }))).toEqual({ ...base, ...expected })
  })

  test.each([
    ['systemInstruction', { parts: [{ text: 'Be brief.' }] }],
    ['system_instruction', { role: 'user', parts: [{ text: 'Be brief.' }] }],
    ['safetySettings', [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }]],
    ['serviceTier', 'standard'],
    ['tools', []],
    [
      'tools',
      [{ functionDeclarations: [{ name: 'f', description: 'd', parametersJsonSchema: { type: 'object' } }] }],
    ],
    ['tools', [{ function_declarations: [{ name: 'f', parameters: { type: 'OBJECT' } }] }]],
    ['toolConfig', { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f'] } }],
  ])('%s as it came', (name, value) => {
    const { generationConfig: _, ...rest } = forwarded(accepted({ ...base, [name]: value }))
    expect(rest).toEqual({ ...base, [name]: value })
  })

  test.each([
    ['temperature', 0.2],
    ['topP', 1],
    ['topK', 40],
    ['seed', -3],
    ['stopSequences', ['END']],
    ['presencePenalty', 0],
    ['frequency_penalty', -2],
    ['responseMimeType', 'application/json'],
    ['responseSchema', { type: 'OBJECT' }],
    ['responseJsonSchema', { type: 'object' }],
    ['responseFormat', [{ text: { mimeType: 'APPLICATION_JSON' } }]],
    ['mediaResolution', 'MEDIA_RESOLUTION_HIGH'],
    ['candidateCount', 8],
    ['responseModalities', ['TEXT']],
    ['thinkingConfig', { includeThoughts: true, thinkingBudget: -1 }],
    ['thinking_config', { include_thoughts: false, thinking_level: 'LOW' }],
    ['responseLogprobs', false],
  ])('generationConfig.%s as it came', (name, value) => {
    const { generationConfig } = forwarded(accepted({ ...base, generationConfig: { [name]: value } }))
    expect(generationConfig).toEqual({ [name]: value, maxOutputTokens: 99 })
  })

  test('what says who pays or where it is kept is taken out or overwritten', () => {
    const request = accepted({
      ...base,
      model: 'models/other',
      labels: { team: 'a' },
      store: true,
      cachedContent: null,
    })
    expect(forwarded(request)).toEqual({ ...base, store: false, generationConfig: { maxOutputTokens: 99 } })
    expect(request.dropped).toEqual(['model', 'labels'])
  })

  test('what is not known is dropped where the operator says so, at both levels', () => {
    const body = { ...base, x: 1, generationConfig: { y: 2, topK: 1 } }
    const request = accepted(body, { unknownParameters: 'drop' })
    expect(forwarded(request)).toEqual({ ...base, generationConfig: { topK: 1, maxOutputTokens: 99 } })
    expect(request.dropped).toEqual(['x', 'generationConfig.y'])
  })

  test.each(['max_outputTokens', 'maxOutput_tokens'])('a cap that is dropped, %s, caps nothing', (name) => {
    const body = { ...base, generationConfig: { [name]: -5000 } }
    const request = accepted(body, { unknownParameters: 'drop' })
    expect(request).toMatchObject({ outputTokensAsked: null, dropped: [`generationConfig.${name}`] })
    expect(forwarded(request)).toEqual({ ...base, generationConfig: { maxOutputTokens: 99 } })
    expect(refused(body).code).toBe('unsupported_parameter')
  })

  test('what the operator lets through for a model goes on', () => {
    const allowParameters = () => [
      'x',
      'generationConfig.y',
      'generationConfig.logprobs',
      'tools.googleSearch',
    ]
    const body = { ...base, x: 1, tools: [{ googleSearch: {} }], generationConfig: { y: 2, logprobs: 3 } }
    const { generationConfig, ...rest } = forwarded(accepted(body, { allowParameters }))
    expect(rest).toEqual({ ...base, x: 1, tools: [{ googleSearch: {} }] })
    expect(generationConfig).toEqual({ y: 2, logprobs: 3, maxOutputTokens: 99 })
  })
})

describe('what is refused', () => {
  test.each([
    ['cachedContent', 'cachedContents/1'],
    ['cached_content', 'cachedContents/1'],
    ['continuationToken', 'AAAA'],
    ['serviceTier', 'priority'],
    ['service_tier', 'flex'],
    ['unknown', 1],
  ])('400 unsupported_parameter: %s', (name, value) => {
    expect(refused({ ...base, [name]: value })).toMatchObject({ code: 'unsupported_parameter', param: name })
  })

  test.each([
    ['responseLogprobs', true],
    ['logprobs', 5],
    ['speechConfig', { voiceConfig: {} }],
    ['imageConfig', { imageSize: '4K' }],
    ['responseModalities', ['TEXT', 'IMAGE']],
    ['responseModalities', ['AUDIO']],
    ['responseModalities', ['VIDEO']],
    ['responseFormat', [{ image: {} }]],
    ['routingConfig', {}],
    ['modelSelectionConfig', {}],
    ['enableEnhancedCivicAnswers', true],
    ['audioTranscriptionConfig', {}],
    ['unknown', 1],
  ])('400 unsupported_parameter: generationConfig.%s', (name, value) => {
    expect(refused({ ...base, generationConfig: { [name]: value } })).toMatchObject({
      code: 'unsupported_parameter',
      param: `generationConfig.${name}`,
    })
  })

  test.each([
    [{ generationConfig: { maxOutputTokens: 0 } }, 'generationConfig.maxOutputTokens'],
    [{ generationConfig: { maxOutputTokens: '500' } }, 'generationConfig.maxOutputTokens'],
    [{ generationConfig: { max_output_tokens: 1.5 } }, 'generationConfig.max_output_tokens'],
    [{ generationConfig: { candidateCount: 9 } }, 'generationConfig.candidateCount'],
    [{ generationConfig: { responseModalities: [2] } }, 'generationConfig.responseModalities'],
    [
      { generationConfig: { thinkingConfig: { thinkingBudget: '1' } } },
      'generationConfig.thinkingConfig.thinkingBudget',
    ],
    [{ generationConfig: [] }, 'generationConfig'],
    [{ tools: {} }, 'tools'],
    [{ toolConfig: 'ANY' }, 'toolConfig'],
    [{ safetySettings: {} }, 'safetySettings'],
    [{ systemInstruction: 'Be brief.' }, 'systemInstruction'],
    // One of two spellings would be checked, and the other read.
    [
      { generationConfig: { maxOutputTokens: 5, max_output_tokens: 5000 } },
      'generationConfig.max_output_tokens',
    ],
    [{ generation_config: {}, generationConfig: {} }, 'generationConfig'],
  ])('400 invalid_value: %j', (more, param) => {
    expect(refused({ ...base, ...more })).toMatchObject({ code: 'invalid_value', param })
  })

  test('400 invalid_json: what two readers could understand differently', () => {
    const twice = '{"contents":[{"parts":[]}],"generationConfig":{"maxOutputTokens":1,"maxOutputTokens":2}}'
    expect(refused(twice)).toMatchObject({ code: 'invalid_json', message: expect.stringContaining('twice') })
  })

  test('400 invalid_value: a path without a model', () => {
    expect(refused(base, { pathModel: 'models/' })).toMatchObject({ code: 'invalid_value', param: 'model' })
  })
})

describe('pictures and sound that a model makes', () => {
  const wanted = (kinds: string[], more = {}) => ({
    ...base,
    generationConfig: { responseModalities: kinds, ...more },
  })

  test('are let through where they have a price, and held for', () => {
    const price = { imageOutput: 9000 }
    const body = wanted(['TEXT', 'IMAGE'], { imageConfig: { imageSize: '4K' } })
    expect(accepted(body, { price }).uses).toEqual({ imageOutput: true })
    expect(accepted(base, { price }).uses).toEqual({ imageOutput: true })
    expect(accepted(wanted([]), { price }).uses).toEqual({ imageOutput: true })
    expect(accepted(wanted(['TEXT']), { price }).uses).toBeUndefined()
    expect(refused(wanted(['AUDIO']), { price }).message).toContain('no price for sound')
    expect(accepted(wanted(['AUDIO'], { speechConfig: {} }), { price: { audioOutput: 9000 } }).uses).toEqual({
      audioOutput: true,
    })
  })
})

describe('what is known of the request', () => {
  test('the model of the path, the cap, the candidates, the items', () => {
    const request = accepted({
      contents: [{ parts: [{ text: 'a' }, { text: 'b' }] }, { role: 'model', parts: [{ text: 'c' }] }],
      systemInstruction: { parts: [{ text: 'd' }] },
      tools: [{ functionDeclarations: [{ name: 'f' }, { name: 'g' }] }],
      generationConfig: { maxOutputTokens: 70, candidateCount: 2 },
    })
    expect(request).toMatchObject({
      model: 'fast',
      stream: false,
      includeUsage: false,
      outputTokensAsked: 70,
    })
    expect(request).toMatchObject({ choices: 2, items: 2 + 3 + 2 + 3, mayReason: true })
    expect(accepted(base, { pathModel: 'tunedModels/x' }).model).toBe('tunedModels/x')
    expect(accepted(base)).toMatchObject({ outputTokensAsked: null, choices: 1 })
  })

  test.each([
    [{ thinkingConfig: { thinkingBudget: 0 } }, false],
    [{ thinking_config: { thinking_budget: 0 } }, false],
    [{ thinkingConfig: { thinkingBudget: 100 } }, true],
    [{ thinkingConfig: { thinkingLevel: 'MINIMAL' } }, true],
    [{ thinkingConfig: null }, true],
  ])('whether it may think: %j', (generationConfig, may) => {
    expect(accepted({ ...base, generationConfig }).mayReason).toBe(may)
  })

  test.each(['alt=sse', '$alt=sse', 'alt=sse&key=ignored'])('a stream is asked for with %s', (query) => {
    const url = `http://gateway/v1beta/models/fast:streamGenerateContent?${query}`
    expect(acceptedBy(streamGenerateContent, base, { pathModel, url })).toMatchObject({ stream: true })
  })

  test.each(['', '?alt=json', '?alt=SSE', '?$alt=json;enum-encoding=int'])(
    '400: a stream without alt=sse (%s)',
    (query) => {
      const url = `http://gateway/v1beta/models/fast:streamGenerateContent${query}`
      expect(refusedBy(streamGenerateContent, base, { pathModel, url })).toMatchObject({
        code: 'unsupported_parameter',
        param: 'alt',
        message: expect.stringContaining('?alt=sse'),
      })
    },
  )

  test('an answer has no receipt in it', () => {
    expect(
      generateContent.withReceipt('{"usageMetadata":{}}', { creditsCharged: 1, creditsAvailable: 2 }),
    ).toBe('{"usageMetadata":{}}')
  })
})
