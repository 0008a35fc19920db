/** What Faregate adds to an answer: the headers of the contract, and the receipt in it. */
import type { EndReply } from '../core/command.ts'
import { creditsOf } from '../core/credits.ts'
import type { LimitStatus } from '../core/limits.ts'
import type { Receipt } from '../ports.ts'
import type { Admitted, Pipeline } from './call.ts'

/** The headers of a model answer. `ended` is given once the charge is known. */
export function answerHeaders(
  pipeline: Pipeline,
  admitted: Admitted,
  ended: EndReply | null = null,
): Record<string, string> {
  const { hold, available, clamped, limits } = admitted.reply
  const now = pipeline.clock()
  const { requestsPerMinute, tokensPerMinute } = limits
  return {
    'x-request-id': hold.id,
    'faregate-credits-held': String(creditsOf(hold.amount)),
    'faregate-credits-available': String(creditsOf(ended?.available ?? available)),
    ...(ended && { 'faregate-credits-charged': String(creditsOf(ended.charged)) }),
    ...(clamped && { 'faregate-output-tokens-max': String(hold.outputTokensMax) }),
    ...(admitted.ask.dropped.length > 0 && {
      'faregate-dropped-parameters': admitted.ask.dropped.join(', '),
    }),
    ...(requestsPerMinute && limitHeaders('requests', requestsPerMinute, now)),
    ...(tokensPerMinute && limitHeaders('tokens', tokensPerMinute, now)),
  }
}

function limitHeaders(
  what: string,
  { limit, remaining, resetsAt }: LimitStatus,
  now: number,
): Record<string, string> {
  return {
    [`x-ratelimit-limit-${what}`]: String(limit),
    [`x-ratelimit-remaining-${what}`]: String(remaining),
    [`x-ratelimit-reset-${what}`]: `${Math.max(0, Math.ceil((resetsAt - now) / 1000))}s`,
  }
}

/** The receipt of an ended request, in credits. */
export function receiptOf({ charged, available }: EndReply): Receipt {
  return { creditsCharged: creditsOf(charged), creditsAvailable: creditsOf(available) }
}

/** The same as a server-sent comment, for streams whose usage the caller does not see. */
export function receiptComment({ creditsCharged, creditsAvailable }: Receipt): string {
  return `: faregate credits-charged=${creditsCharged} credits-available=${creditsAvailable}\n\n`
}
