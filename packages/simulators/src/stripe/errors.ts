/** Stripe's errors: `{ error: { type, code, message, param } }` with the status that Stripe gives them. */

/** What stands in an error body; a card error also carries the payment intent. */
export type ErrorBody = {
  type: 'invalid_request_error' | 'card_error' | 'idempotency_error' | 'api_error'
  message: string
  code?: string
  param?: string
  decline_code?: string
  doc_url?: string
  charge?: string
  payment_intent?: object
  payment_method?: object
}

/** An error on its way to the caller. */
export type StripeFault = Error & { stripe: { status: number; body: ErrorBody } }

/** Makes an error that the front turns into Stripe's answer. */
export function fault(status: number, body: ErrorBody): StripeFault {
  const link = body.code
    ? { doc_url: `https://stripe.com/docs/error-codes/${body.code.replace(/_/g, '-')}` }
    : {}
  return Object.assign(new Error(body.message), { stripe: { status, body: { ...body, ...link } } })
}

/** Whether something thrown is ours. */
export function isStripeFault(thrown: unknown): thrown is StripeFault {
  return thrown instanceof Error && 'stripe' in thrown
}

/** 400 for a parameter. */
export function invalid(message: string, param?: string, code?: string): StripeFault {
  return fault(400, {
    type: 'invalid_request_error',
    message,
    ...(code ? { code } : {}),
    ...(param ? { param } : {}),
  })
}

/** 400 for a parameter that is not there. */
export function missing(param: string): StripeFault {
  return invalid(`Missing required param: ${param}.`, param, 'parameter_missing')
}

/** An object that does not exist: 404 where the path names it, 400 where a parameter does. */
export function noSuch(what: string, id: string, param?: string): StripeFault {
  return fault(param ? 400 : 404, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    message: `No such ${what}: '${id}'`,
    param: param ?? 'id',
  })
}
