/** Faregate keys for agents, cron jobs and phones: made with a session token, shown once, kept only as a hash. */
import type { Hono } from 'hono'
import { z } from 'zod'
import type { Key } from '../core/account.ts'
import { creditsOf } from '../core/credits.ts'
import { refusal } from '../core/refusal.ts'
import { err, ok } from '../core/result.ts'
import { createFaregateKey } from '../issuers/faregate-key.ts'
import type { Pipeline } from '../pipeline/call.ts'
import { forCaller } from './caller.ts'
import type { Env } from './env.ts'
import { credits, input } from './input.ts'

const DAY_SECONDS = 86_400

/** Body of `POST /v1/keys` and of its admin sibling. */
export const newKey = z.strictObject({
  name: z.string().max(100).default(''),
  ttlSeconds: z
    .number()
    .int()
    .min(60)
    .max(3650 * DAY_SECONDS)
    .optional(),
  creditsMax: credits.optional(),
})

/** A key as its owner sees it; the secret is shown only once, by the route that made it. */
export function keyView({
  id,
  name,
  member,
  createdAt,
  expiresAt,
  creditsMax,
  spent,
}: Key): Record<string, unknown> {
  return {
    id,
    name,
    member,
    createdAt: new Date(createdAt).toISOString(),
    expiresAt: new Date(expiresAt).toISOString(),
    creditsMax: creditsMax === null ? null : creditsOf(creditsMax),
    creditsSpent: creditsOf(spent),
  }
}

/** A fresh key's id. */
export function newKeyId(): string {
  return `key_${crypto.randomUUID().replaceAll('-', '')}`
}

const needsSession = refusal(
  'not_allowed',
  'Keys are made and listed with a session token, not with a Faregate key.',
)

/** Adds `POST /v1/keys`, `GET /v1/keys` and `DELETE /v1/keys/{id}`. */
export function keyRoutes(routes: Hono<Env>, pipeline: Pipeline): void {
  const { store, clock } = pipeline
  routes.post(
    '/v1/keys',
    forCaller(pipeline, async ({ identity }, context) => {
      if (identity.keyHash !== undefined || identity.member === undefined) return err(needsSession)
      const asked = await input(context, newKey)
      if (!asked.ok) return asked
      const { key, hash } = await createFaregateKey(identity.accountId)
      const made = await store.apply(identity.accountId, {
        kind: 'createKey',
        id: newKeyId(),
        name: asked.value.name,
        hash,
        member: identity.member,
        payer: identity.payer,
        planClaim: identity.planClaim ?? null,
        by: 'user',
        ttlSeconds: asked.value.ttlSeconds ?? null,
        creditsMax: asked.value.creditsMax ?? null,
      })
      return made.ok ? ok(context.json({ ...keyView(made.value.key), key }, 201)) : made
    }),
  )
  routes.get(
    '/v1/keys',
    forCaller(pipeline, async ({ identity, account }, context) => {
      if (identity.keyHash !== undefined) return err(needsSession)
      const now = clock()
      const own = account.keys.filter(
        ({ member, expiresAt }) => member === identity.member && now < expiresAt,
      )
      return ok(context.json({ data: own.map(keyView) }))
    }),
  )
  routes.delete(
    '/v1/keys/:id',
    forCaller(pipeline, async ({ identity }, context) => {
      if (identity.keyHash !== undefined || identity.member === undefined) return err(needsSession)
      const command = {
        kind: 'revokeKey',
        id: context.req.param('id') ?? '',
        member: identity.member,
      } as const
      const revoked = await store.apply(identity.accountId, command)
      return revoked.ok ? ok(context.json({ id: revoked.value.key.id, deleted: true })) : revoked
    }),
  )
}
