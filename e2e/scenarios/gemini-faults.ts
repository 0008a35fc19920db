/** Every way in which an answer on Gemini's wire can fail to come to its end, and what is charged for it. */
import type { Script } from '@faregate/simulators/provider'
import { expect, it } from 'vitest'
import { call, newUser, tokenOf } from '../harness/calls.ts'
import { billed, billOf, micro, newKey, outcome } from '../harness/exchange.ts'
import {
  answersOf,
  ask,
  bodyOf,
  expectEvidence,
  expectRefusal,
  STREAM,
  said,
  streamed,
} from '../harness/gemini.ts'
import type { Stack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

export function geminiFaults(stack: () => Stack): void {
  brokenStreams(stack)
  brokenAnswers(stack)
  leaving(stack)
}

/** With the name of the operator's own project. */
const bareError = '{\n  "error": {\n    "code": 503,\n    "message": "canary-project"\n  }\n}\n'

function brokenStreams(stack: () => Stack): void {
  const rows: [string, Script, string][] = [
    ['is reset', { reset: 'mid' }, 'upstream_error'],
    ['falls silent', { hang: 'mid' }, 'upstream_timeout'],
    ['tells an error', { errorEvent: true }, 'upstream_error'],
    // What ends with its connection must have said why it finished.
    ['stops half-way', { cutShort: true }, 'upstream_error'],
    ['holds an error that is no event', { badSse: bareError, cutShort: true }, 'upstream_error'],
    ['holds no JSON', { badSse: true }, 'upstream_invalid'],
    ['holds an array', { badSse: 'data: [1]\n\n' }, 'upstream_invalid'],
  ]
  for (const [title, script, code] of rows) {
    it.concurrent(`200: a stream that ${title} ends with one error and is charged for what had come`, async () => {
      const asked = await streamed(stack(), { completionTokens: 60, ...script })
      const answers = answersOf(asked)
      expect(asked.text).not.toContain('canary-project')
      const errors = answers.flatMap(({ error }) => error ?? [])
      expect(errors).toEqual([answers.at(-1)?.error])
      expect(errors[0]).toMatchObject({
        message: expect.stringMatching(/charged/),
        details: [{ reason: code }],
      })
      const { entry } = await expectEvidence(stack(), asked, 'error')
      // A token for each byte that was seen, and of the input what the provider had told.
      const { promptTokens } = billOf(stack(), asked.key)
      expect(entry.usage).toMatchObject({
        inputTokens: promptTokens,
        outputTokens: Buffer.byteLength(said(answers)),
      })
    })
  }

  it.concurrent('200: a stream without usage ends well and is charged on evidence', async () => {
    const asked = await streamed(stack(), { noUsage: true, content: 'hello there' })
    expect(answersOf(asked).some(({ error }) => error)).toBe(false)
    const { entry } = await expectEvidence(stack(), asked, 'complete')
    expect(entry.usage?.outputTokens).toBe('hello there'.length)
  })

  it.concurrent('200: a stream beyond its cap is cut, and charged no more than was held', async () => {
    const asked = await streamed(stack(), { beyondCap: true })
    expect(answersOf(asked).at(-1)?.error?.details?.[0]?.reason).toBe('upstream_invalid')
    const { entry, charged } = await outcome(stack(), asked.token)
    expect(entry).toMatchObject({ ended: 'cut', estimated: true })
    expect(charged).toBeLessThanOrEqual(micro(Number(asked.headers.get('faregate-credits-held'))))
  })

  it.concurrent.each([
    ['negative', { promptTokenCount: -5, candidatesTokenCount: 3 }],
    ['of nothing', { promptTokenCount: 5 }],
    ['no number', '{"promptTokenCount":NaN}'],
  ])('200: usage that is %s is not believed', async (_, usage) => {
    const asked = await streamed(stack(), { usage, promptTokens: 30, completionTokens: 60 })
    expect(asked.status).toBe(200)
    await expectEvidence(stack(), asked, typeof usage === 'string' ? 'error' : 'complete')
  })
}

function brokenAnswers(stack: () => Stack): void {
  it.concurrent.each<[string, Script, number, string]>([
    ['is reset', { reset: 'mid' }, 502, 'upstream_invalid'],
    ['is cut off', { badJson: true }, 502, 'upstream_invalid'],
    ['is an error in disguise', { body: { error: { code: 500, message: 'no' } } }, 502, 'upstream_invalid'],
    ['is of another wire', { body: { choices: [] } }, 502, 'upstream_invalid'],
    ['is compressed', { gzip: true }, 502, 'upstream_invalid'],
  ])('an answer that %s is charged on evidence: %#', async (_, script, status, code) => {
    const asked = await ask(stack(), { completionTokens: 60, ...script })
    expectRefusal(asked, [status, 'UNAVAILABLE', code])
    await expectEvidence(stack(), asked, 'error')
  })

  it.concurrent('200: an answer without usage is charged for what it says', async () => {
    const asked = await ask(stack(), { noUsage: true, content: 'hello there' })
    expect(asked.status).toBe(200)
    const { entry } = await expectEvidence(stack(), asked, 'complete')
    expect(entry.usage?.outputTokens).toBe('hello there'.length)
  })
}

function leaving(stack: () => Stack): void {
  it.concurrent('200: who leaves mid-stream stops the provider and pays for what had come', async () => {
    const [token, key, client] = [await tokenOf(stack(), newUser()), newKey(), new AbortController()]
    const script = {
      promptTokens: 20,
      completionTokens: 3000,
      chunks: 60,
      chunkDelayMs: 100,
      content: 'x'.repeat(12_000),
    }
    const body = bodyOf(key, script, { config: { maxOutputTokens: 3000 } })
    const { signal } = client
    const answer = await call(stack(), token, `/v1beta/models/gem${STREAM}`, { body, signal })
    const reader = answer.body?.getReader()
    for (let text = ''; text.split('\n\n').length <= 4; )
      text += new TextDecoder().decode((await reader?.read())?.value)
    client.abort()
    await until('the provider sees the abort', 1500, () => billOf(stack(), key).aborted)
    const { entry, charged } = await outcome(stack(), token)
    expect(entry).toMatchObject({ ended: 'stopped', estimated: true })
    expect(charged).toBeGreaterThanOrEqual(billed(stack(), key))
    expect(charged).toBeLessThanOrEqual(micro(Number(answer.headers.get('faregate-credits-held'))))
  })
}
