/** What a model costs, in words: how many messages the balance still pays for. */
import type { ModelPrice, UsageRow } from './contract.ts'

/** The tokens of a message and its answer. */
export type MessageSize = { inputTokens: number; outputTokens: number }

/** What is taken for a message where the account has none to go by. */
const USUAL: MessageSize = { inputTokens: 400, outputTokens: 400 }

/** The account's own average message. */
export function averageMessage(rows: UsageRow[]): MessageSize {
  const requests = rows.reduce((sum, row) => sum + row.requests, 0)
  if (requests === 0) return USUAL
  return {
    inputTokens: rows.reduce((sum, row) => sum + row.inputTokens, 0) / requests,
    outputTokens: rows.reduce((sum, row) => sum + row.outputTokens, 0) / requests,
  }
}

/** What a message costs, in credits; undefined where the price is not known, or is not one of messages. */
export function messageCost(price: ModelPrice | undefined, size: MessageSize): number | undefined {
  if (!price) return undefined
  const { creditsPerMillionInputTokens, creditsPerMillionOutputTokens, creditsPerRequest } = price
  const tokens =
    creditsPerMillionInputTokens * size.inputTokens + creditsPerMillionOutputTokens * size.outputTokens
  const cost = creditsPerRequest + tokens / 1_000_000
  const bySound = price.creditsPerMinuteOfAudio ?? price.creditsPerMillionCharacters
  return cost === 0 && bySound !== undefined ? undefined : cost
}

/** Such as "about 60 messages left"; undefined where the price is not known. */
export function messagesLeft(
  price: ModelPrice | undefined,
  size: MessageSize,
  available: number | undefined,
): string | undefined {
  const cost = messageCost(price, size)
  if (cost === undefined) return undefined
  if (cost === 0) return 'free'
  if (available === undefined) return undefined
  const count = Math.floor(available / cost)
  if (count < 1) return 'no message left'
  return count === 1 ? 'about 1 message left' : `about ${ROUGHLY.format(count)} messages left`
}

const ROUGHLY = new Intl.NumberFormat('en', { maximumSignificantDigits: 2 })
