/** How the Responses wire words refusals and errors: as OpenAI's others do, but for an event of its own in streams. */
import { type Refusal } from '../../core/refusal.ts'
import type { Wire } from '../../ports.ts'
import { openAiWire } from './openai-wire.ts'

/** The Responses wire. Its streams end with an `error` event, which SDKs throw. */
export const responsesWire: Wire = { ...openAiWire, errorEvent }

/** `ResponseErrorEvent`; clients need a sequence number, and nothing follows that it could be told from. */
function errorEvent({ code, message, param }: Refusal): string {
  const data = { type: 'error', code, message, param: param ?? null, sequence_number: 0 }
  return `event: error\ndata: ${JSON.stringify(data)}\n\n`
}
