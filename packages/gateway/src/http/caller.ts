/** Who calls the account routes, and the account that is theirs. */
import type { Context } from 'hono'
import type { Account } from '../core/account.ts'
import { type Refusal, refusal } from '../core/refusal.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Pipeline } from '../pipeline/call.ts'
import type { Identity } from '../ports.ts'
import type { Env } from './env.ts'
import { refuse } from './respond.ts'

export type Caller = { identity: Identity; account: Account }

/** Verifies the caller and reads the account; a Faregate key is looked up in it. */
export async function callerOf(pipeline: Pipeline, { req }: Context<Env>): Promise<Result<Caller, Refusal>> {
  const now = pipeline.clock()
  const identity = await pipeline.authenticate(req.raw.headers, now)
  if (!identity.ok) return identity
  const account = await pipeline.store.read(identity.value.accountId)
  const { keyHash } = identity.value
  if (keyHash === undefined) return ok({ identity: identity.value, account })
  const key = account.keys.find(({ hash }) => hash === keyHash)
  if (!key)
    return err(refusal('invalid_token', 'This Faregate key does not exist or was revoked. Make a new one.'))
  if (now >= key.expiresAt)
    return err(refusal('token_expired', 'This Faregate key has expired. Make a new one.'))
  return ok({ identity: { ...identity.value, member: key.member }, account })
}

/** Runs a handler for a verified caller; its refusal, or the handler's, is the answer. */
export function forCaller(
  pipeline: Pipeline,
  handle: (caller: Caller, context: Context<Env>) => Promise<Result<Response, Refusal>>,
): (context: Context<Env>) => Promise<Response> {
  return async (context) => {
    const caller = await callerOf(pipeline, context)
    const answer = caller.ok ? await handle(caller.value, context) : caller
    return answer.ok ? answer.value : refuse(answer.error, context.env.requestId)
  }
}
