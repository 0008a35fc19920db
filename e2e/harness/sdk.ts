/** The real SDKs, pointed at a stack. */
import type { Script } from '@faregate/simulators/provider'
import OpenAI, { type ClientOptions } from 'openai'
import type { ChatCompletionUserMessageParam } from 'openai/resources'
import { entries, newUser, tokenOf } from './calls.ts'
import { micro, newKey } from './exchange.ts'
import { type CountingProxy, startCountingProxy } from './proxy.ts'
import type { Stack } from './stack.ts'

export type SdkUser = {
  user: string
  token: string
  /** The openai SDK with this user's session token as its key. */
  client: OpenAI
}

/** A fresh user with a client, as the README has it. */
export async function sdkUser(stack: Stack, options: ClientOptions = {}, plan?: string): Promise<SdkUser> {
  const user = newUser()
  const token = await tokenOf(stack, user, plan)
  return { user, token, client: new OpenAI({ baseURL: stack.url, apiKey: token, ...options }) }
}

/** A user message that tells the provider what to do. */
export function scriptMessage(script: Script, key = newKey()): ChatCompletionUserMessageParam {
  return { role: 'user', content: JSON.stringify({ script, key }) }
}

/** What all answers of a user have cost so far, in microcredits. */
export async function spent(stack: Stack, token: string): Promise<number> {
  const all = await entries(stack, token)
  return all.filter(({ kind }) => kind === 'charge').reduce((sum, { credits }) => sum - micro(credits), 0)
}

/** Runs `work` with a client whose tries are counted on the wire. */
export async function countingTries<T>(
  stack: Stack,
  work: (proxy: CountingProxy) => Promise<T>,
): Promise<{ tries: number; result: T }> {
  const proxy = await startCountingProxy(stack)
  try {
    const result = await work(proxy)
    return { tries: proxy.count(''), result }
  } finally {
    await proxy.stop()
  }
}

/** What a promise was rejected with; throws when it was not. */
export async function rejection(work: PromiseLike<unknown>): Promise<unknown> {
  const outcome = await Promise.allSettled([work])
  if (outcome[0].status === 'fulfilled') throw new Error('it succeeded where it should have failed')
  return outcome[0].reason
}

/** All that an iterable gives. */
export async function all<T>(given: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of given) items.push(item)
  return items
}
