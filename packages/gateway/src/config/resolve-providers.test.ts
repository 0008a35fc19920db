import { expect, test } from 'vitest'
import { errorsIn, goodEnv, settingsOf, smallest } from './test-kit.ts'

test('those who speak OpenAI with an accent are called at home, by their own key', () => {
  const keys = { groq: 'GROQ', openrouter: 'OPENROUTER', deepseek: 'DEEPSEEK', mistral: 'MISTRAL' }
  const homes = {
    groq: ['https://api.groq.com/openai/v1', 'max_completion_tokens', 'include_usage'],
    openrouter: ['https://openrouter.ai/api/v1', 'max_tokens', 'none'],
    deepseek: ['https://api.deepseek.com', 'max_tokens', 'include_usage'],
    mistral: ['https://api.mistral.ai/v1', 'max_tokens', 'none'],
  }
  for (const [type, [baseUrl, outputCapField, streamOptions]] of Object.entries(homes)) {
    const config = { ...smallest, providers: { openai: { type } } }
    const variable = `${keys[type as keyof typeof keys]}_API_KEY`
    const { providers } = settingsOf(config, { ...goodEnv, [variable]: `key-of-${type}` })
    expect(providers.get('openai')).toMatchObject({
      baseUrl,
      headers: { authorization: `Bearer key-of-${type}` },
      paths: { 'chat-completions': '/chat/completions' },
      addFields: false,
      outputCapField,
      streamOptions,
    })
    expect(errorsIn(config)).toEqual([
      { path: 'providers.openai', message: expect.stringContaining(`set ${variable} in the environment`) },
    ])
    // Nearby too: who has a variable for it has a key.
    const near = { ...config, providers: { openai: { type, baseUrl: 'http://127.0.0.1:1/v1' } } }
    expect(errorsIn(near).map(({ path }) => path)).toEqual(['providers.openai'])
  }
})

test("the operator's own servers are called where the config says, nearby without a key", () => {
  for (const [type, streamOptions] of [
    ['vllm', 'continuous_usage'],
    ['ollama', 'include_usage'],
  ]) {
    const at = (more: object) => ({ ...smallest, providers: { openai: { type, ...more } } })
    expect(errorsIn(at({}))).toEqual([
      { path: 'providers.openai.baseUrl', message: expect.stringMatching(/give its address, e\.g\. http:/) },
    ])
    expect(settingsOf(at({ baseUrl: 'http://gpu.internal/v1' })).providers.get('openai')).toMatchObject({
      baseUrl: 'http://gpu.internal/v1',
      headers: {},
      outputCapField: 'max_tokens',
      streamOptions,
    })
    const far = { baseUrl: 'https://gpu.example.com/v1' }
    expect(errorsIn(at(far)).map(({ path }) => path)).toEqual(['providers.openai'])
    const keyed = settingsOf(at({ ...far, apiKeyEnv: 'GPU_KEY' }), { ...goodEnv, GPU_KEY: 'k' })
    expect(keyed.providers.get('openai')?.headers).toEqual({ authorization: 'Bearer k' })
  }
})

test('Azure is called by deployment where a version is named, else without', () => {
  const env = {
    ...goodEnv,
    AZURE_OPENAI_API_KEY: 'key-of-azure',
    AZURE_OPENAI_ENDPOINT: 'https://r.openai.azure.com/',
  }
  const at = (more: object) => ({ ...smallest, providers: { openai: { type: 'azure', ...more } } })
  const of = (more: object) => settingsOf(at(more), env).providers.get('openai')
  expect(of({})).toMatchObject({
    baseUrl: 'https://r.openai.azure.com',
    headers: { 'api-key': 'key-of-azure' },
    paths: { 'chat-completions': '/openai/v1/chat/completions', embeddings: '/openai/v1/embeddings' },
    addFields: false,
    outputCapField: 'max_completion_tokens',
  })
  expect(of({ apiVersion: '2024-10-21' })?.paths).toMatchObject({
    'chat-completions': '/openai/deployments/{model}/chat/completions?api-version=2024-10-21',
  })
  for (const end of ['/openai/v1/', '/openai/v1', '/openai']) {
    const baseUrl = `https://other.example.com${end}`
    expect(of({ baseUrl })?.baseUrl).toBe('https://other.example.com')
  }
  const { AZURE_OPENAI_API_KEY: _key, ...keyless } = env
  expect(errorsIn(at({}), keyless)[0]?.message).toContain('AZURE_OPENAI_API_KEY')
  expect(errorsIn(at({}))).toEqual([
    { path: 'providers.openai.baseUrl', message: expect.stringMatching(/or set AZURE_OPENAI_ENDPOINT/) },
  ])
  expect(errorsIn(at({}), { ...env, AZURE_OPENAI_ENDPOINT: 'r.openai.azure.com' })[0]?.path).toBe(
    'AZURE_OPENAI_ENDPOINT',
  )
  const unused = { ...smallest.providers, spare: { type: 'azure' } }
  expect(errorsIn({ ...smallest, providers: unused })).toEqual([])
  const wrong = { openai: { type: 'openai', apiVersion: '2024-10-21' } }
  expect(errorsIn({ ...smallest, providers: wrong })).toEqual([
    { path: 'providers.openai.apiVersion', message: expect.stringMatching(/is for providers of type azure/) },
  ])
})
