/** Chat with pictures, sound and service tiers: each kind charged at its price, raw and through the real SDKs. */
import { createOpenAI } from '@ai-sdk/openai'
import type { Script } from '@faregate/simulators/provider'
import { generateText } from 'ai'
import type { ChatCompletionContentPart } from 'openai/resources'
import { expect, it } from 'vitest'
import {
  ALLOWANCE,
  type Asked,
  arrival,
  ask,
  billOf,
  chunksOf,
  errorOf,
  micro,
  newKey,
  outcome,
  untouched,
} from '../harness/exchange.ts'
import { all, sdkUser } from '../harness/sdk.ts'
import { soundCostOf, wavOf } from '../harness/sound.ts'
import type { Stack } from '../harness/stack.ts'

/** A PNG of one pixel. */
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const pictureUrl = `data:image/png;base64,${png}`
const picture: ChatCompletionContentPart = { type: 'image_url', image_url: { url: pictureUrl } }
const wav = Buffer.from(wavOf(3)).toString('base64')
const heard: ChatCompletionContentPart = { type: 'input_audio', input_audio: { data: wav, format: 'wav' } }
const spoken = { modalities: ['text', 'audio'], audio: { voice: 'alloy', format: 'pcm16' } } as const
const streamed = { stream: true, stream_options: { include_usage: true } }

type Parts = ChatCompletionContentPart[]

/** A scripted request of `omni` whose message has these parts beside its script. */
async function look(
  stack: Stack,
  script: Script,
  parts: Parts,
  more: Record<string, unknown> = {},
): Promise<Asked> {
  const key = newKey()
  const text = JSON.stringify({ script, key })
  const messages = [{ role: 'user', content: [...parts, { type: 'text', text }] }]
  return { ...(await ask(stack, {}, { model: 'omni', messages, max_tokens: 500, ...more })), key }
}

export function chatMedia(stack: () => Stack): void {
  for (const [way, more] of [
    ['plain', {}],
    ['streamed', streamed],
  ] as const) {
    it.concurrent(`200: pictures and sound, ${way}, each at its price`, async () => {
      const script = { promptTokens: 400, cachedTokens: 60, imageInputTokens: 200, audioInputTokens: 33 }
      const asked = await look(stack(), script, [picture, heard], more)
      expect(asked.status, asked.text).toBe(200)
      const { entry, charged, available } = await outcome(stack(), asked.token)
      expect(charged).toBe(soundCostOf(billOf(stack(), asked.key)))
      expect(charged).toBe(107 + 30 + 400 + 99 + 40)
      expect(available).toBe(ALLOWANCE - charged)
      expect(entry.estimated ?? false).toBe(false)
      expect(arrival(stack(), asked.key).json['messages']).toMatchObject([{ content: [picture, heard, {}] }])
    })

    it.concurrent(`200: an answer to be heard, ${way}, at its price`, async () => {
      const script = { completionTokens: 100, audioOutputTokens: 80, content: 'Grüezi' }
      const asked = await look(stack(), script, [], { ...spoken, ...more })
      expect(asked.status, asked.text).toBe(200)
      const { entry, charged } = await outcome(stack(), asked.token)
      expect(charged).toBe(soundCostOf(billOf(stack(), asked.key)))
      expect(entry.estimated ?? false).toBe(false)
    })

    for (const served of ['flex', 'priority', 'default'] as const) {
      it.concurrent(`200: the tier ${served} is what is charged, ${way}`, async () => {
        const asked = await look(stack(), { serviceTier: served }, [], { service_tier: 'flex', ...more })
        const { charged } = await outcome(stack(), asked.token)
        expect(charged).toBe(soundCostOf(billOf(stack(), asked.key)))
        expect(arrival(stack(), asked.key).json['service_tier']).toBe('flex')
      })
    }
  }
  faults(stack)
  refusals(stack)
  sdks(stack)
}

function faults(stack: () => Stack): void {
  const rows: [string, Script][] = [
    ['breaks off', { reset: 'mid' }],
    ['ends in an error', { errorEvent: true }],
    ['says nothing of usage', { noUsage: true }],
  ]
  for (const [title, script] of rows) {
    it.concurrent(`200: an answer to be heard that ${title} is charged on evidence`, async () => {
      const more = { ...spoken, ...streamed }
      const sound = { completionTokens: 400, audioOutputTokens: 390, ...script }
      const asked = await look(stack(), sound, [picture, heard], more)
      const { entry, charged } = await outcome(stack(), asked.token)
      expect(entry.estimated).toBe(true)
      expect(charged).toBeGreaterThanOrEqual(soundCostOf(billOf(stack(), asked.key)))
      expect(charged).toBeLessThanOrEqual(micro(Number(asked.headers.get('faregate-credits-held'))))
    })
  }

  it.concurrent('200: sound is not taken for more text than was allowed', async () => {
    const sound = { completionTokens: 500, audioOutputTokens: 500, content: 'Hi', chunks: 4 }
    const asked = await look(stack(), sound, [], { ...spoken, ...streamed })
    expect(chunksOf(asked.text).at(-1)?.error).toBeUndefined()
    expect((await outcome(stack(), asked.token)).entry).toMatchObject({ ended: 'complete' })
  })
}

function refusals(stack: () => Stack): void {
  const file = { type: 'file', file: { file_data: 'data:application/pdf;base64,AAAA' } } as Parts[number]
  const rows: [title: string, parts: Parts, more: Record<string, unknown>, param: string][] = [
    ['sound without a price', [heard], { model: 'fast' }, 'messages[0].content[0].input_audio'],
    ['an answer to be heard without a price', [], { model: 'fast', ...spoken }, 'audio'],
    ['a tier without a price', [], { service_tier: 'scale' }, 'service_tier'],
    ['a file', [file], {}, 'messages[0].content[0]'],
    ['a custom voice', [], { audio: { voice: { id: 'voice_1' }, format: 'wav' } }, 'audio'],
  ]
  for (const [title, parts, more, param] of rows) {
    it.concurrent(`400: ${title}`, async () => {
      const asked = await look(stack(), {}, parts, more)
      expect(asked.status).toBe(400)
      expect(errorOf(asked)).toMatchObject({ code: 'unsupported_parameter', param })
      expect(await untouched(stack(), asked.token)).toBe(true)
    })
  }
}

function sdks(stack: () => Stack): void {
  it.concurrent('200: openai.chat with a picture and sound in and out', async () => {
    const { client, token } = await sdkUser(stack())
    const key = newKey()
    const script = { content: 'A dot.', completionTokens: 30, audioOutputTokens: 20, promptTokens: 300 }
    const text = JSON.stringify({ script, key })
    const answer = await client.chat.completions.create({
      model: 'omni',
      messages: [{ role: 'user', content: [{ type: 'text', text }, picture, heard] }],
      modalities: ['text', 'audio'],
      audio: { voice: 'alloy', format: 'wav' },
    })
    expect(answer.choices[0]?.message.audio?.transcript).toBe('A dot.')
    expect((await outcome(stack(), token)).charged).toBe(soundCostOf(billOf(stack(), key)))
  })

  it.concurrent('200: openai.chat, sound in a stream, with log probabilities asked for', async () => {
    const { client, token } = await sdkUser(stack())
    const key = newKey()
    const content = JSON.stringify({ script: { content: 'Hi', audioOutputTokens: 10 }, key })
    const stream = await client.chat.completions.create({
      ...{ model: 'omni', messages: [{ role: 'user', content }], stream: true },
      ...{ modalities: ['text', 'audio'], audio: { voice: 'alloy', format: 'pcm16' } },
      ...{ logprobs: true, top_logprobs: 2 },
    })
    expect((await all(stream)).length).toBeGreaterThan(3)
    expect((await outcome(stack(), token)).charged).toBe(soundCostOf(billOf(stack(), key)))
  })

  it.concurrent('200: the AI SDK’s openai.chat sees and hears', async () => {
    const { token } = await sdkUser(stack())
    const key = newKey()
    const openai = createOpenAI({ baseURL: `${stack().url}/v1`, apiKey: token })
    const { text } = await generateText({
      model: openai.chat('omni'),
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: JSON.stringify({ script: { content: 'A dot.' }, key }) },
            { type: 'file', data: Buffer.from(png, 'base64'), mediaType: 'image/png' },
            { type: 'file', data: Buffer.from(wav, 'base64'), mediaType: 'audio/wav' },
          ],
        },
      ],
    })
    expect(text).toBe('A dot.')
    expect((await outcome(stack(), token)).charged).toBe(soundCostOf(billOf(stack(), key)))
  })
}
