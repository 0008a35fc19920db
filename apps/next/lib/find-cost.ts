/** What an answer cost whose stream did not say so: it was stopped, it broke, or it came through the server route. */
import { type GetToken, readEntries } from './gateway.ts'

/** Waits between looks; settling takes as long as the provider takes to stop. */
const PAUSES_MS = [0, 200, 400, 800, 1600, 3000, 5000]

/** The sum of what these requests were charged, in credits; undefined if one of them is not settled in time. */
export async function findCost(getToken: GetToken, requestIds: string[]): Promise<number | undefined> {
  const costs = await Promise.all(requestIds.map((requestId) => costOf(getToken, requestId)))
  return costs.reduce(
    (sum, cost) => (sum === undefined || cost === undefined ? undefined : sum + cost),
    costs.length === 0 ? undefined : 0,
  )
}

async function costOf(getToken: GetToken, requestId: string): Promise<number | undefined> {
  for (const pauseMs of PAUSES_MS) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
    const { data } = await readEntries(getToken, { requestId })
    const charges = data.filter(({ kind }) => kind === 'charge')
    if (charges.length > 0) return charges.reduce((sum, { credits }) => sum - credits, 0)
  }
  return undefined
}
