/** `POST /moderations`: verdicts without usage, free or at a price for each request. */
import { expect, it } from 'vitest'
import {
  type Asked,
  arrival,
  arrivals,
  askAt,
  errorOf,
  newKey,
  outcome,
  untouched,
} from '../harness/exchange.ts'
import { sdkUser } from '../harness/sdk.ts'
import type { Stack } from '../harness/stack.ts'

function judge(stack: Stack, body: Record<string, unknown>, key = newKey()): Promise<Asked> {
  return askAt(stack, '/v1/moderations', key, { input: JSON.stringify({ script: {}, key }), ...body })
}

export function moderations(stack: () => Stack): void {
  it.concurrent('200: moderations.create of the SDK, without a model, free and not estimated', async () => {
    const { client, token } = await sdkUser(stack())
    const key = newKey()
    const answer = await client.moderations.create({ input: ['I will kill you', JSON.stringify({ key })] })
    expect(answer.results.map(({ flagged }) => flagged)).toEqual([true, false])
    const { entry, charged } = await outcome(stack(), token)
    expect(charged).toBe(0)
    expect(entry).toMatchObject({ model: 'omni-moderation-latest', ended: 'complete' })
    expect(entry.estimated ?? false).toBe(false)
    expect(arrival(stack(), key).json).toEqual({
      input: ['I will kill you', JSON.stringify({ key })],
      model: 'omni-moderation-latest',
    })
  })

  it.concurrent('200: text and an inline picture, at a price per request', async () => {
    const key = newKey()
    const url = `data:image/png;base64,${'A'.repeat(100_000)}`
    const input = [
      { type: 'text', text: JSON.stringify({ script: {}, key }) },
      { type: 'image_url', image_url: { url } },
    ]
    // Its plan allows 5,000 tokens a minute: a picture is none of them.
    const asked = await askAt(stack(), '/v1/moderations', key, { model: 'guard', input }, 'short')
    expect(asked.status, asked.text).toBe(200)
    expect(JSON.parse(asked.text).results).toHaveLength(1)
    expect(asked.headers.get('faregate-credits-charged')).toBe('0.25')
    const { entry, charged } = await outcome(stack(), asked.token)
    expect([charged, entry.estimated ?? false]).toEqual([250_000, false])
  })

  it.concurrent('502: an answer that is cut off costs its price all the same', async () => {
    const key = newKey()
    const input = JSON.stringify({ script: { badJson: true }, key })
    const asked = await judge(stack(), { model: 'guard', input }, key)
    expect([asked.status, errorOf(asked).code]).toEqual([502, 'upstream_invalid'])
    expect(await outcome(stack(), asked.token)).toMatchObject({
      charged: 250_000,
      entry: { estimated: true },
    })
  })

  const picture = (url: string) => [{ type: 'image_url', image_url: { url } }]
  const rows: [Record<string, unknown>, code: string, param: string][] = [
    [{ model: 'fast' }, 'unsupported_parameter', 'model'],
    [{ input: picture('https://example.com/a.png') }, 'unsupported_parameter', 'input[0].image_url.url'],
    [{ input: 5 }, 'invalid_value', 'input'],
    [{ user: 'me' }, 'unsupported_parameter', 'user'],
  ]
  for (const [body, code, param] of rows) {
    it.concurrent(`400: ${code} for ${JSON.stringify(body)}`, async () => {
      const asked = await judge(stack(), body)
      expect([asked.status, errorOf(asked).code, errorOf(asked).param]).toEqual([400, code, param])
      expect(await untouched(stack(), asked.token)).toBe(true)
      expect(arrivals(stack(), asked.key)).toEqual([])
    })
  }
}
