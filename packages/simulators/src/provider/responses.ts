/**
 * OpenAI's Responses wire. The answer is planned in `responses-answer.ts`, its stream in `responses-events.ts`. Answers
 * are kept nowhere, so an item that is only named is not found.
 */
import { errorBody } from './errors.ts'
import { finished, planResponse, type ResponsePlan } from './responses-answer.ts'
import { errorEvent, longLine, responseEvents } from './responses-events.ts'
import { isRecord, readScript } from './script.ts'
import { type AnswerPlan, type SimulatedWire } from './wire.ts'
import { EVENT_STREAM_TYPE, JSON_TYPE, jsonBody, padding, toJson } from './wire-kit.ts'

const answer = (plan: ResponsePlan): AnswerPlan => {
  const stream = plan.asked.stream === true
  return {
    stream,
    use: plan.use,
    hiddenTokens: plan.hiddenTokens,
    contentType: stream ? EVENT_STREAM_TYPE : JSON_TYPE,
    whole: () => toJson({ ...finished(plan), ...padding(plan.script) }, plan.script),
    events: () => responseEvents(plan),
    closing: '',
    errorEvent: errorEvent(),
    longLine,
  }
}

/** What OpenAI cannot find, since it keeps nothing. */
const isOnlyNamed = (item: unknown): boolean =>
  isRecord(item) &&
  (item.type === 'item_reference' ||
    (item.type === 'reasoning' && typeof item.encrypted_content !== 'string'))

const isResult = ({ type }: Record<string, unknown>): boolean =>
  type === 'function_call_output' || type === 'custom_tool_call_output'

/** `POST /responses`. */
export const responsesWire: SimulatedWire = {
  id: 'responses',
  matches: (method, path) => method === 'POST' && path === '/responses',
  read: ({ raw }) => {
    const body = jsonBody(raw)
    if (body === null || (typeof body.input !== 'string' && !Array.isArray(body.input))) return null
    if (Array.isArray(body.input) && body.input.some(isOnlyNamed)) return null
    const { script, key } = readScript(body.input, (item) => (isResult(item) ? 1 : 0))
    const model = typeof body.model === 'string' ? body.model : 'unknown'
    return {
      script,
      keys: [key, body.user, body.safety_identifier],
      model,
      plan: (given) => answer(planResponse(body, script, model, given)),
    }
  },
  error: errorBody,
}
