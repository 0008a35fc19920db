/**
 * Every reason for which Faregate says no, as data. The wires turn one into their own error shape;
 * nothing else in the house decides a status.
 */

/** Status, OpenAI-style `type` and whether trying the same request again can help. */
type RefusalKind = { status: number; type: string; retry: boolean }

const kinds = {
  invalid_json: { status: 400, type: 'invalid_request_error', retry: false },
  invalid_value: { status: 400, type: 'invalid_request_error', retry: false },
  unsupported_parameter: { status: 400, type: 'invalid_request_error', retry: false },
  request_too_large_for_plan: { status: 400, type: 'invalid_request_error', retry: false },
  invalid_token: { status: 401, type: 'authentication_error', retry: false },
  token_expired: { status: 401, type: 'authentication_error', retry: false },
  insufficient_credits: { status: 402, type: 'insufficient_quota', retry: false },
  account_in_debt: { status: 402, type: 'insufficient_quota', retry: false },
  model_not_in_plan: { status: 403, type: 'permission_error', retry: false },
  session_pending: { status: 403, type: 'permission_error', retry: false },
  impersonation_refused: { status: 403, type: 'permission_error', retry: false },
  not_allowed: { status: 403, type: 'permission_error', retry: false },
  blocked: { status: 403, type: 'permission_error', retry: false },
  model_not_found: { status: 404, type: 'invalid_request_error', retry: false },
  unsupported_endpoint: { status: 404, type: 'invalid_request_error', retry: false },
  not_found: { status: 404, type: 'invalid_request_error', retry: false },
  request_timeout: { status: 408, type: 'invalid_request_error', retry: false },
  idempotency_conflict: { status: 409, type: 'invalid_request_error', retry: false },
  too_many_grants: { status: 409, type: 'invalid_request_error', retry: false },
  no_customer: { status: 409, type: 'invalid_request_error', retry: false },
  no_saved_card: { status: 409, type: 'invalid_request_error', retry: false },
  requests_under_way: { status: 409, type: 'invalid_request_error', retry: true },
  too_many_keys: { status: 409, type: 'invalid_request_error', retry: false },
  request_too_large: { status: 413, type: 'invalid_request_error', retry: false },
  headers_too_large: { status: 431, type: 'invalid_request_error', retry: false },
  rate_limited: { status: 429, type: 'rate_limit_error', retry: true },
  internal_error: { status: 500, type: 'api_error', retry: false },
  upstream_unavailable: { status: 502, type: 'api_error', retry: true },
  upstream_auth: { status: 502, type: 'api_error', retry: false },
  upstream_invalid: { status: 502, type: 'api_error', retry: false },
  upstream_redirect: { status: 502, type: 'api_error', retry: false },
  upstream_error: { status: 502, type: 'api_error', retry: true },
  store_unavailable: { status: 503, type: 'api_error', retry: true },
  identity_unavailable: { status: 503, type: 'api_error', retry: true },
  payments_unavailable: { status: 503, type: 'api_error', retry: true },
  upstream_quota: { status: 503, type: 'api_error', retry: false },
  overloaded: { status: 503, type: 'api_error', retry: true },
  upstream_timeout: { status: 504, type: 'api_error', retry: false },
} as const satisfies Record<string, RefusalKind>

export type RefusalCode = keyof typeof kinds

/**
 * One refusal. `message` says what happened, with the figures, and what to do; it is shown to the end user
 * and never holds a secret or a prompt. `param` names the offending field, `retryAfterMs` when to come back.
 */
export type Refusal = {
  code: RefusalCode
  message: string
  param?: string
  retryAfterMs?: number
  /** Asks whoever reserved to begin an auto top-up. */
  topUpDue?: true
  /** The request that the caller's Idempotency-Key stands for; `repeated`: it asked the same, and has ended. */
  first?: { requestId: string; repeated: boolean }
}

/** Makes a refusal. */
export function refusal(
  code: RefusalCode,
  message: string,
  more: Omit<Refusal, 'code' | 'message'> = {},
): Refusal {
  return { code, message, ...more }
}

/** HTTP status, OpenAI-style error `type` and retryability of a code. */
export function refusalKind(code: RefusalCode): RefusalKind {
  return kinds[code]
}
