/** Reads the small JSON bodies of the account and admin routes against a schema, with errors that name the field. */
import type { Context } from 'hono'
import { z } from 'zod'
import { CREDITS_MAX, microcreditsOf } from '../core/credits.ts'
import { type Refusal, refusal } from '../core/refusal.ts'
import { err, ok, type Result } from '../core/result.ts'
import { readBody } from '../pipeline/read-body.ts'

const BODY_LIMITS = { bytesMax: 65_536, timeoutMs: 15_000 }

/** The parsed body, or 400 naming the first field that is wrong. An empty body counts as `{}`. */
export async function input<T>({ req }: Context, schema: z.ZodType<T>): Promise<Result<T, Refusal>> {
  const bytes = await readBody(req.raw, BODY_LIMITS)
  if (!bytes.ok) return bytes
  let json: unknown
  try {
    json =
      bytes.value.byteLength === 0
        ? {}
        : JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes.value))
  } catch {
    return err(refusal('invalid_json', 'The body is not JSON.'))
  }
  return checked(json, schema)
}

/** The query's parameters against a schema. */
export function query<T>({ req }: Context, schema: z.ZodType<T>): Result<T, Refusal> {
  return checked(req.query(), schema)
}

function checked<T>(value: unknown, schema: z.ZodType<T>): Result<T, Refusal> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return ok(parsed.data)
  const issue = parsed.error.issues[0]
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : []
  const param = [...(issue?.path ?? []), ...unknown].map(String).join('.')
  return err(
    refusal(
      'invalid_value',
      `${param || 'The body'}: ${issue?.message ?? 'invalid'}.`,
      param ? { param } : {},
    ),
  )
}

/** A positive decimal number of credits; microcredits when parsed. */
export const credits = z.union([z.number(), z.string()]).transform((value, context) => {
  const microcredits = microcreditsOf(value)
  if (microcredits !== null && microcredits > 0) return microcredits
  context.addIssue(`must be credits above 0, at most ${CREDITS_MAX}, with at most 6 decimals`)
  return z.NEVER
})

/** The same, or none. */
export const creditsOrNone = z.union([z.number(), z.string()]).transform((value, context) => {
  const microcredits = microcreditsOf(value)
  if (microcredits !== null) return microcredits
  context.addIssue(`must be 0 or more credits, at most ${CREDITS_MAX}, with at most 6 decimals`)
  return z.NEVER
})

/** An ISO 8601 time; milliseconds when parsed. */
export const time = z.iso.datetime({ offset: true }).transform((value) => Date.parse(value))

const DAY_MS = 86_400_000

/** A calendar day (UTC) such as 2026-11-24; days since 1970 when parsed. */
export const day = z.iso
  .date('must be a day such as 2026-11-24')
  .transform((value) => Date.parse(`${value}T00:00:00Z`) / DAY_MS)

/** The day that a time (ms) falls on, counted since 1970. */
export function dayAt(time: number): number {
  return Math.floor(time / DAY_MS)
}

/** A day counted since 1970 as 2026-11-24. */
export function dayText(days: number): string {
  return new Date(days * DAY_MS).toISOString().slice(0, 10)
}
