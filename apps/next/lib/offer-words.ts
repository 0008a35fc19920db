/** What is on sale in words: what a pack pays for, and what a message costs. */
import type { Model } from './contract.ts'
import { type MessageSize, messageCost } from './price.ts'
import { DEFAULT_MODEL } from './settings.ts'

const ROUGHLY = new Intl.NumberFormat('en', { maximumSignificantDigits: 2 })

/** Such as "About 5,200 messages on fast, or 310 on gpt-5.1"; undefined where no price is known. */
export function describeWorth(models: Model[], size: MessageSize, credits: number): string | undefined {
  const priced = pricedModels(models, size)
  const usual = usualOf(priced)
  if (!usual) return undefined
  const count = (cost: number) => ROUGHLY.format(Math.floor(credits / cost))
  const dearest = priced.reduce((a, b) => (b.cost > a.cost ? b : a))
  const first = `About ${count(usual.cost)} messages on ${usual.id}`
  return dearest.id === usual.id ? first : `${first}, or ${count(dearest.cost)} on ${dearest.id}`
}

/** Such as "0.03 cents a message on fast", at what this pack asks for a credit. */
export function describeMessagePrice(
  models: Model[],
  size: MessageSize,
  { credits, usd }: { credits: number; usd: number },
): string | undefined {
  const usual = usualOf(pricedModels(models, size))
  if (!usual || credits <= 0) return undefined
  const cents = (usual.cost * usd * 100) / credits
  const words = cents < 0.01 ? 'less than 0.01 cents' : `${ROUGHLY.format(cents)} cents`
  return `${words} a message on ${usual.id}`
}

type Priced = { id: string; cost: number }

function pricedModels(models: Model[], size: MessageSize): Priced[] {
  return models.flatMap(({ id, faregate }) => {
    const cost = messageCost(faregate, size)
    return cost ? [{ id, cost }] : []
  })
}

/** The model that a new conversation asks, else the cheapest. */
function usualOf(priced: Priced[]): Priced | undefined {
  return priced.find(({ id }) => id === DEFAULT_MODEL) ?? priced.toSorted((a, b) => a.cost - b.cost)[0]
}
