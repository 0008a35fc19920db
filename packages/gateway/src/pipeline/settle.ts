/** Endings: what a dispatched request is charged, on usage or on evidence, exactly once. */
import type { EndReply } from '../core/command.ts'
import type { Ended } from '../core/entry.ts'
import { boundedUsage, boundOf, pricesTokens, standardTiers, tierName, type Usage } from '../core/pricing.ts'
import type { Refusal } from '../core/refusal.ts'
import type { Result } from '../core/result.ts'
import { StoreUnavailable } from '../ports.ts'
import { type Admitted, type Call, type Dispatch, nameOf, type Pipeline } from './call.ts'

/** No model is known to write a choice faster; bounds the hidden work of a request that was cut, in tokens per second. */
const OUTPUT_TOKENS_PER_SECOND_MAX = 1000

/** How long a settlement is tried again when the store fails, in ms; then the lease lapses and rule 6 charges. */
const RETRY_MS = 45_000

/** What a request came to, as far as it is known. */
export type Metered = { usage: Usage; estimated: boolean }

/** The provider's own usage of a whole answer if it is credible, else the most that the evidence allows. */
export function metered(dispatch: Dispatch, now: number): Metered {
  const { usage: measuredUsage, estimated } = measured(dispatch, now)
  const { serviceTier, ...usage } = measuredUsage
  if (serviceTier === undefined || standardTiers.has(serviceTier)) return { usage, estimated }
  return { usage: { ...usage, serviceTier: tierName(dispatch.reply.hold.price, serviceTier) }, estimated }
}

function measured(dispatch: Dispatch, now: number): Metered {
  const reported = dispatch.tap.usage()
  const seen = evidence(dispatch, now)
  if (!reported) return { usage: seen, estimated: true }
  const { usage, stage, invalid } = reported
  if (invalid) return { usage: larger(seen, clamp(usage, dispatch)), estimated: true }
  // Usage beyond what was allowed is charged as far as the hold goes, and flagged: the provider broke its word.
  if (stage === 'final' || (stage === 'last' && dispatch.whole)) {
    return { usage: withAnswers(usage, dispatch), estimated: isOverCaps(usage, dispatch) }
  }
  return { usage: soFar(seen, usage, dispatch), estimated: true }
}

/**
 * Upper bounds from what was seen: the input's bound, a token for each byte of output, and, where the model may
 * have worked out of sight, what the time would allow; never more than the cap.
 */
function evidence(dispatch: Dispatch, now: number): Usage {
  const { tap, ask, model, reply, startedAt, firstOutputAt, whole } = dispatch
  const { hold } = reply
  const unseen = (!ask.stream && !whole) || (model.reasoning && ask.mayReason)
  const silentMs = (firstOutputAt ?? now) - startedAt
  const hidden = unseen ? Math.ceil((Math.max(0, silentMs) * OUTPUT_TOKENS_PER_SECOND_MAX) / 1000) : 0
  // Choices are written side by side.
  const produced = tap.outputTokensSeen() + hidden * hold.choices
  const outputTokens = Math.min(hold.outputTokensMax * hold.choices, produced)
  return boundedUsage(hold.price, boundOf(hold), outputTokens)
}

/** All answers that were asked for, unless the endpoint counted fewer. */
function withAnswers({ answers: counted, ...usage }: Usage, { reply: { hold } }: Dispatch): Usage {
  const asked = hold.uses?.answers ?? 1
  const answers = Math.min(counted ?? asked, asked)
  return answers === 1 ? usage : { ...usage, answers }
}

/** Where tokens cost nothing there is no cap on them to break. */
function isOverCaps(usage: Usage, { reply: { hold } }: Dispatch): boolean {
  const { inputTokens, outputTokens, audioSeconds = 0, toolCalls = 0 } = usage
  if (audioSeconds > (hold.uses?.audioSeconds ?? audioSeconds)) return true
  if (toolCalls > (hold.uses?.toolCalls ?? 0)) return true
  if (!pricesTokens(hold.price)) return false
  return inputTokens > hold.inputTokens || outputTokens > hold.outputTokensMax * hold.choices
}

/** Usage that cannot be true, brought within what the request could use. */
function clamp(usage: Usage, { reply: { hold } }: Dispatch): Usage {
  const inputTokens = Math.min(usage.inputTokens, hold.inputTokens)
  const outputTokens = Math.min(usage.outputTokens, hold.outputTokensMax * hold.choices)
  return { inputTokens, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens }
}

/** Of evidence and a claim that is not believed, the more: what the evidence presumes, with totals as large as claimed. */
function larger(seen: Usage, claimed: Usage): Usage {
  const inputTokens = Math.max(seen.inputTokens, claimed.inputTokens)
  return { ...seen, inputTokens, outputTokens: Math.max(seen.outputTokens, claimed.outputTokens) }
}

/** A running total is true of the input, which is known once; of the output there may be more than it says. */
function soFar(seen: Usage, reported: Usage, { reply: { hold } }: Dispatch): Usage {
  if (reported.inputTokens === 0 || reported.inputTokens > hold.inputTokens) {
    return larger(seen, reported)
  }
  const { outputTokens, audioOutputTokens = 0, imageOutputTokens = 0, answers, serviceTier } = seen
  const more = Math.max(0, outputTokens - reported.outputTokens)
  return {
    // The dearest tier that was asked for, until it is told which one serves.
    ...(serviceTier !== undefined && { serviceTier }),
    ...reported,
    outputTokens: reported.outputTokens + more,
    ...(audioOutputTokens > 0 && { audioOutputTokens: (reported.audioOutputTokens ?? 0) + more }),
    ...(imageOutputTokens > 0 && { imageOutputTokens: (reported.imageOutputTokens ?? 0) + more }),
    ...(answers !== undefined && { answers }),
  }
}

/** Charges what was used. Null when the store did not answer in time; it is then tried again in the background. */
export async function settle(pipeline: Pipeline, dispatch: Dispatch, ended: Ended): Promise<EndReply | null> {
  const { usage, estimated } = metered(dispatch, pipeline.steadyClock())
  const holdId = dispatch.reply.hold.id
  if (estimated) {
    pipeline.log('warn', 'charged_on_evidence', { requestId: holdId, model: dispatch.model.id, ended })
  }
  const command = { kind: 'settle', holdId, usage, ended, estimated } as const
  const { accountId } = dispatch.identity
  const reply = await once(pipeline, dispatch.call, dispatch, () => pipeline.store.apply(accountId, command))
  dispatch.ended = ended
  if (reply?.topUpDue && pipeline.topUp) dispatch.call.waitUntil(pipeline.topUp(accountId))
  return reply
}

/** Gives the whole hold back: the provider did no work. */
export async function release(pipeline: Pipeline, call: Call, admitted: Admitted): Promise<void> {
  const holdId = admitted.reply.hold.id
  await once(pipeline, call, admitted, () =>
    pipeline.store.apply(admitted.identity.accountId, { kind: 'release', holdId }),
  )
}

/** Renews the lease and records the cost so far. A store that is away is no reason to stop the answer. */
export async function checkpoint(pipeline: Pipeline, dispatch: Dispatch): Promise<void> {
  const { usage } = metered(dispatch, pipeline.steadyClock())
  const holdId = dispatch.reply.hold.id
  try {
    await pipeline.store.apply(dispatch.identity.accountId, { kind: 'checkpoint', holdId, usage })
  } catch (error) {
    pipeline.log('warn', 'checkpoint_failed', { requestId: holdId, error: nameOf(error) })
  }
}

type Attempt = () => Promise<Result<EndReply, Refusal>>

/** Tries an ending once; a store that is away is tried again in the background, since endings repeat safely. */
async function once(
  pipeline: Pipeline,
  call: Call,
  { reply }: Admitted,
  attempt: Attempt,
): Promise<EndReply | null> {
  try {
    const result = await attempt()
    if (result.ok) return result.value
    pipeline.log('error', 'settlement_refused', { requestId: reply.hold.id, code: result.error.code })
    return null
  } catch (error) {
    pipeline.log('error', 'settlement_delayed', { requestId: reply.hold.id, error: nameOf(error) })
    if (error instanceof StoreUnavailable) call.waitUntil(retry(pipeline, reply.hold.id, attempt))
    return null
  }
}

async function retry(pipeline: Pipeline, requestId: string, attempt: Attempt): Promise<void> {
  const until = pipeline.steadyClock() + RETRY_MS
  for (let waitMs = 100; pipeline.steadyClock() < until; waitMs = Math.min(waitMs * 2, 5000)) {
    await new Promise((resolve) => setTimeout(resolve, waitMs))
    try {
      await attempt()
      return
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) break
    }
  }
  pipeline.log('error', 'settlement_given_up', { requestId })
}
