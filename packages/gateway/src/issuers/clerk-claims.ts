/**
 * What Clerk writes into a session token, read strictly: claims of version 2 (`o`, `pla`) and of version 1
 * (`org_id`, `org_role`). Encodings as in @clerk/shared 4.41.0 (`splitByScope`, `jwtPayloadParser`).
 */
import { type Refusal, refusal } from '../core/refusal.ts'
import { ok, type Result } from '../core/result.ts'
import { invalidToken, isPlainText, isRecord, type ParsedToken } from './token.ts'

// Header `cat`, from @clerk/backend 3.25.0 tokens/jwtCategories.ts: a session token and "decide by the rest".
const sessionCategories: readonly unknown[] = [undefined, 'cl_B7d4PD111AAA', 'cl_I7d4PD111III']
const sendInstead = "Send the user's session token: getToken() without a template."
const slugLengthMax = 128

/** The organization that is active in a session, and the user's role there without `org:`. */
export type ActiveOrganization = { id: string; role: string | null }

/** Refuses what Clerk signs with the same key and is no session token; null when all is well. */
export function sessionObjection({ header, claims }: ParsedToken): Refusal | null {
  const { typ, cat } = header
  if (typ !== undefined && typ !== 'JWT') {
    return refusal('invalid_token', `This is an OAuth or other token, not a session token. ${sendInstead}`)
  }
  if (!sessionCategories.includes(cat) || (typeof claims.sub === 'string' && claims.sub.startsWith('mch_'))) {
    return refusal('invalid_token', `This is a machine token, not a session token. ${sendInstead}`)
  }
  if (!isId(claims.sid, 'sess_') || !isId(claims.sub, 'user_')) {
    return refusal('invalid_token', `This token belongs to no session (a JWT template?). ${sendInstead}`)
  }
  if (claims.v !== undefined && claims.v !== 2) {
    return refusal('invalid_token', 'The version of the session token ("v") is not known here.')
  }
  return null
}

/** Refuses sessions that may not act: pending ones, and those of someone who acts as the user. */
export function standingObjection(
  claims: Record<string, unknown>,
  allowImpersonation: boolean,
): Refusal | null {
  const { sts, act } = claims
  if (sts === 'pending') {
    return refusal('session_pending', 'Your sign-in is not complete. Finish its open steps and try again.')
  }
  if (sts !== undefined && sts !== 'active') {
    return refusal('invalid_token', 'The session of this token is not active. Sign in again.')
  }
  if (act !== undefined && act !== null && !allowImpersonation) {
    return refusal(
      'impersonation_refused',
      'Someone else is signed in as this user; that may not spend credits.',
    )
  }
  return null
}

/** The active organization; null when none is. */
export function activeOrganization(
  claims: Record<string, unknown>,
): Result<ActiveOrganization | null, Refusal> {
  const [id, role] = claims.v === 2 ? organizationV2(claims.o) : [claims.org_id, claims.org_role]
  if (id === undefined || id === null) return ok(null)
  if (!isId(id, 'org_')) return invalidToken('The organization in the token cannot be read.')
  if (role === undefined || role === null) return ok({ id, role: null })
  if (!isPlainText(role, slugLengthMax)) return invalidToken('The role in the token cannot be read.')
  return ok({ id, role: role.replace(/^org:/, '') })
}

function organizationV2(o: unknown): [id: unknown, role: unknown] {
  if (o === undefined || o === null) return [undefined, undefined]
  // An `o` without an id is malformed, not absent: false is no id.
  return isRecord(o) ? [o.id ?? false, o.rol] : [false, undefined]
}

/** The slug of the first plan of a scope (`u` user, `o` organization) in `pla`; null when it names none. */
export function planOf(pla: unknown, scope: 'u' | 'o'): Result<string | null, Refusal> {
  if (pla === undefined || pla === null || pla === '') return ok(null)
  const unreadable = invalidToken('The plan in the token ("pla") cannot be read.')
  if (typeof pla !== 'string') return unreadable
  let found: string | null = null
  for (const element of pla.split(',')) {
    const text = element.trim()
    const colon = text.indexOf(':')
    const slug = text.slice(colon + 1)
    if (colon < 1 || !isPlainText(slug, slugLengthMax)) return unreadable
    const scopes = text.slice(0, colon)
    if (found === null && (scopes === scope || scopes === 'uo' || scopes === 'ou')) found = slug
  }
  return ok(found)
}

function isId(value: unknown, prefix: string): value is string {
  return (
    typeof value === 'string' &&
    value.startsWith(prefix) &&
    /^[A-Za-z0-9_-]{1,200}$/.test(value.slice(prefix.length))
  )
}
