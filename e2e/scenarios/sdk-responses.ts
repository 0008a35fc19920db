/** The real `openai` SDK on the Responses wire, with a session token as its key. */
import type { Script } from '@faregate/simulators/provider'
import OpenAI, { APIError, BadRequestError } from 'openai'
import { zodTextFormat } from 'openai/helpers/zod'
import type { FunctionTool, ResponseInput } from 'openai/resources/responses/responses'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { newKey, outcome } from '../harness/exchange.ts'
import { billedResponse } from '../harness/responses.ts'
import { all, rejection, sdkUser, spent } from '../harness/sdk.ts'
import type { Stack } from '../harness/stack.ts'

function prompt(script: Script, key: string): string {
  return JSON.stringify({ script, key })
}

const weather: FunctionTool = {
  type: 'function',
  name: 'get_weather',
  description: 'The weather in a place',
  strict: true,
  parameters: {
    type: 'object',
    properties: { place: { type: 'string' } },
    required: ['place'],
    additionalProperties: false,
  },
}

export function sdkResponses(stack: () => Stack): void {
  plain(stack)
  streams(stack)
  tools(stack)
  errors(stack)
}

function plain(stack: () => Stack): void {
  it.concurrent('200: create, charged exactly, with its receipt', async () => {
    const { client, token } = await sdkUser(stack())
    const key = newKey()
    const answer = await client.responses.create({
      model: 'fast',
      instructions: 'Be brief.',
      input: prompt({ content: 'Grüße 🦊' }, key),
    })
    expect(answer.output_text).toBe('Grüße 🦊')
    const { charged, available } = await outcome(stack(), token)
    expect(charged).toBe(billedResponse(stack(), key))
    expect(answer.usage).toMatchObject({
      faregate: { creditsCharged: charged / 1e6, creditsAvailable: available / 1e6 },
    })
  })

  it.concurrent('200: parse gives what the schema says', async () => {
    const { client, token } = await sdkUser(stack())
    const key = newKey()
    const answer = await client.responses.parse({
      model: 'fast',
      input: prompt({ content: '{"city":"Köln","degrees":21}' }, key),
      text: { format: zodTextFormat(z.object({ city: z.string(), degrees: z.number() }), 'weather') },
    })
    expect(answer.output_parsed).toEqual({ city: 'Köln', degrees: 21 })
    expect((await outcome(stack(), token)).charged).toBe(billedResponse(stack(), key))
  })

  it.concurrent('200: a picture goes on', async () => {
    const { client, token } = await sdkUser(stack())
    const key = newKey()
    const answer = await client.responses.create({
      model: 'fast',
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: prompt({ content: 'A fox.' }, key) },
            {
              type: 'input_image',
              detail: 'auto',
              image_url: 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAABAAAAAIACAYAAAA=',
            },
          ],
        },
      ],
    })
    expect(answer.output_text).toBe('A fox.')
    expect((await outcome(stack(), token)).charged).toBe(billedResponse(stack(), key))
  })
}

function streams(stack: () => Stack): void {
  it.concurrent('200: create with stream, charged exactly', async () => {
    const { client, token } = await sdkUser(stack())
    const key = newKey()
    const input = prompt({ content: 'one two three 🦊', splitEvery: 9 }, key)
    const events = await all(await client.responses.create({ model: 'fast', input, stream: true }))
    const said = events.map((event) => (event.type === 'response.output_text.delta' ? event.delta : ''))
    expect(said.join('')).toBe('one two three 🦊')
    const { charged, available } = await outcome(stack(), token)
    expect(charged).toBe(billedResponse(stack(), key))
    expect(events.at(-1)).toMatchObject({
      type: 'response.completed',
      response: {
        usage: { faregate: { creditsCharged: charged / 1e6, creditsAvailable: available / 1e6 } },
      },
    })
  })

  it.concurrent('200: the stream helper puts it all together', async () => {
    const { client, token } = await sdkUser(stack())
    const key = newKey()
    const script: Script = { reasoningContent: 'Let me see.', content: 'Yes, it does.' }
    const runner = client.responses.stream({
      model: 'deep',
      reasoning: { effort: 'low', summary: 'auto' },
      include: ['reasoning.encrypted_content'],
      input: prompt(script, key),
    })
    const final = await runner.finalResponse()
    expect(final.output_text).toBe('Yes, it does.')
    expect(final.output[0]).toMatchObject({
      type: 'reasoning',
      summary: [{ type: 'summary_text', text: 'Let me see.' }],
      encrypted_content: expect.any(String),
    })
    expect((await outcome(stack(), token)).charged).toBe(billedResponse(stack(), key))
  })

  it.concurrent('200: breaking out of the loop stops the provider and the charge', async () => {
    const { client, token } = await sdkUser(stack())
    const key = newKey()
    const script: Script = { completionTokens: 2000, chunks: 40, chunkDelayMs: 50 }
    const stream = await client.responses.create({ model: 'fast', input: prompt(script, key), stream: true })
    for await (const event of stream) if (event.type === 'response.output_text.delta') break
    const { entry, charged } = await outcome(stack(), token)
    expect(entry.ended).toBe('stopped')
    expect(charged).toBeGreaterThanOrEqual(billedResponse(stack(), key))
    // What the whole of it would have cost, its input aside.
    expect(charged).toBeLessThan(4000)
  })
}

function tools(stack: () => Stack): void {
  it.concurrent('200: tools go round, with all of the answer sent back as it came', async () => {
    const { client, token } = await sdkUser(stack())
    const [one, two] = [newKey(), newKey()]
    const call = { name: 'get_weather', arguments: '{"place":"Zürich"}' }
    const request = { model: 'deep', tools: [weather], include: ['reasoning.encrypted_content' as const] }
    const input: ResponseInput = [
      { role: 'user', content: prompt({ toolCalls: [call], reasoningTokens: 30 }, one) },
    ]
    const first = await client.responses.create({ ...request, input })
    const called = first.output.find((item) => item.type === 'function_call')
    expect(called).toMatchObject(call)
    expect(first.output[0]).toMatchObject({ type: 'reasoning', encrypted_content: expect.any(String) })
    input.push(
      ...(first.output as ResponseInput),
      { type: 'function_call_output', call_id: called?.call_id ?? '', output: '21 °C' },
      { role: 'user', content: prompt({ content: 'It is 21 °C.' }, two) },
    )
    const second = await client.responses.create({ ...request, input, parallel_tool_calls: false })
    expect(second.output_text).toBe('It is 21 °C.')
    await outcome(stack(), token, 2)
    const bills = [one, two].map((key) => billedResponse(stack(), key))
    expect(await spent(stack(), token)).toBe(bills.reduce((sum, bill) => sum + bill, 0))
  })
}

function errors(stack: () => Stack): void {
  for (const [title, script, code] of [
    ['an error event', { errorEvent: true }, 'upstream_error'],
    ['a reset', { reset: 'mid' }, 'upstream_error'],
  ] as [string, Script, string][]) {
    it.concurrent(`200: ${title} in mid-stream raises APIError, in both kinds of stream`, async () => {
      const { client } = await sdkUser(stack())
      const asked = { model: 'fast', input: prompt(script, newKey()) }
      const created = await rejection(
        client.responses.create({ ...asked, stream: true }).then((stream) => all(stream)),
      )
      const helped = await rejection(client.responses.stream(asked).finalResponse())
      for (const error of [created, helped]) {
        expect(error).toBeInstanceOf(APIError)
        expect(error).toMatchObject({ code, message: expect.stringContaining('was charged') })
      }
    })
  }

  it.concurrent('400: a refusal raises BadRequestError that names the field', async () => {
    const { client } = await sdkUser(stack())
    const error = await rejection(
      client.responses.create({ model: 'fast', input: 'Hi', previous_response_id: 'resp_1' }),
    )
    expect(error).toBeInstanceOf(BadRequestError)
    expect(error).toMatchObject({ code: 'unsupported_parameter', param: 'previous_response_id' })
  })

  it.concurrent('402: is one try', async () => {
    const { client } = await sdkUser(stack(), {}, 'none')
    const error = await rejection(client.responses.create({ model: 'fast', input: 'Hi' }))
    expect(error).toBeInstanceOf(OpenAI.APIError)
    expect(error).toMatchObject({ status: 402, code: 'insufficient_credits' })
  })
}
