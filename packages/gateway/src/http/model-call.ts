/** Where model requests are served, and how the HTTP layer hands one over to the pipeline. */
import type { Context } from 'hono'
import type { Call } from '../pipeline/call.ts'
import type { Endpoint } from '../ports.ts'
import type { Env } from './env.ts'

/**
 * Where an endpoint is served. A path may name its model: `/v1beta/:call{…}`, where the call is the model's name,
 * a colon and the method.
 */
export type ModelRoute = { paths: readonly string[]; endpoint: Endpoint }

/** The call that a request to one of an endpoint's paths is. */
export function callOf(endpoint: Endpoint, { req, env }: Context<Env>): Call {
  const { requestId, waitUntil } = env
  const model = req.param('call')?.replace(/:[^:]*$/, '') ?? null
  return { request: req.raw, endpoint, model, requestId, waitUntil }
}
