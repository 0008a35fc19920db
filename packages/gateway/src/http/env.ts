/** What a request carries through the routes beside itself. */
import type { Call } from '../pipeline/call.ts'

/** What the runtime gives a request: who it is and how to outlive it. */
export type Env = { Bindings: { requestId: string; waitUntil: Call['waitUntil'] } }
