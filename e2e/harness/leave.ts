/** Hanging up in the middle of an answer. */
import type { Script } from '@faregate/simulators/provider'
import { call, newUser, tokenOf } from './calls.ts'
import { chatBody, micro, newKey } from './exchange.ts'
import type { Stack } from './stack.ts'

/** Who left, the name of the request, and what was held for it, in microcredits. */
export type Left = { token: string; key: string; held: number }

/** The output cap of a stream that is left. */
export const LEFT_CAP = 3000

/** Starts a chat's stream as a fresh user and hangs up once this many events have been read. */
export async function leave(
  stack: Stack,
  model: string,
  script: Script,
  events: number,
  more: Record<string, unknown> = {},
): Promise<Left> {
  const key = newKey()
  const body = chatBody(key, script, { model, stream: true, max_tokens: LEFT_CAP, ...more })
  return leaveStream(stack, { path: '/v1/chat/completions', key, body }, events)
}

/** Starts any wire's stream as a fresh user and hangs up once this many events have been read. */
export async function leaveStream(
  stack: Stack,
  { path, key, body }: { path: string; key: string; body: unknown },
  events: number,
): Promise<Left> {
  const [token, client] = [await tokenOf(stack, newUser()), new AbortController()]
  const { signal } = client
  const answer = await call(stack, token, path, { body, signal })
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`)
  const reader = answer.body?.getReader()
  let text = ''
  while (text.split('\n\n').length <= events) {
    const next = await reader?.read()
    if (!next || next.done) throw new Error(`the stream ended before ${events} events`)
    text += new TextDecoder().decode(next.value)
  }
  client.abort()
  return { token, key, held: micro(Number(answer.headers.get('faregate-credits-held'))) }
}
