/** What happens while an answer comes, whichever way it was asked for. */
import type { Receipt } from './contract.ts'

export type AnswerEvent =
  /** The gateway took the request on. An answer with calls takes several requests. */
  | { type: 'request'; requestId: string; admission: Admission }
  | { type: 'text'; text: string }
  /** The model calls a function; its arguments follow, then what the function answered. */
  | { type: 'call'; id: string; name: string }
  | { type: 'arguments'; id: string; text: string }
  | { type: 'result'; id: string; result: string }
  /** What a request cost, where its stream says so. */
  | { type: 'receipt'; receipt: Receipt }
  /** The model has ended: `stop`, or `length` at the most that the answer could be. */
  | { type: 'end'; reason: string }

/** What the gateway's headers say of a request: credits set aside for it, and left beside them. */
export type Admission = { held: number; available: number }

/** Reads an admission; undefined where another than the gateway answered. */
export function admissionOf(headers: Headers): Admission | undefined {
  const held = headers.get('faregate-credits-held')
  const available = headers.get('faregate-credits-available')
  return held === null || available === null
    ? undefined
    : { held: Number(held), available: Number(available) }
}

/** Whether nothing was left beside what an answer could use up: it was cut where the balance ended. */
export function tookAll({ held, available }: Admission): boolean {
  return available < held / 100
}
