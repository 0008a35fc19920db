/**
 * Everything that is kept of an account as one JSON document to download. It is written page by page as it is read,
 * so that an account of any size takes little memory.
 */
import { entryView, paymentView } from '../core/view.ts'
import type { Store } from '../ports.ts'
import { dayAt } from './input.ts'
import { usageView } from './usage.ts'

const PAGE = 500

type Page = { data: unknown[]; nextCursor: string | null }

/** The download: `{ account, entries, payments, usage }`, newest first, usage by day. Breaks off when the store goes. */
export function exportAnswer(
  store: Store,
  accountId: string,
  account: Record<string, unknown>,
  now: number,
): Response {
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'content-disposition': `attachment; filename="faregate-export-${new Date(now).toISOString().slice(0, 10)}.json"`,
    'cache-control': 'no-store',
  }
  return new Response(streamOf(exportText(store, accountId, account, now)), { headers })
}

async function* exportText(
  store: Store,
  accountId: string,
  account: Record<string, unknown>,
  now: number,
): AsyncGenerator<string> {
  yield `{"account":${JSON.stringify(account)},"entries":[`
  yield* pages(async (cursor) => {
    const page = await store.entries(accountId, { limit: PAGE, ...cursor })
    return { ...page, data: page.data.map(entryView) }
  })
  yield '],"payments":['
  yield* pages(async (cursor) => {
    const page = await store.payments(accountId, { limit: PAGE, ...cursor })
    return { ...page, data: page.data.map(paymentView) }
  })
  // A row a day: a hundred years of them are small.
  const usage = await store.usage(accountId, { from: 0, to: dayAt(now), by: 'day' })
  yield `],"usage":${JSON.stringify(usage.map((sum) => usageView(sum, 'day')))}}\n`
}

/** The rows of all pages, with commas between them. */
async function* pages(read: (cursor: { cursor?: string }) => Promise<Page>): AsyncGenerator<string> {
  let separator = ''
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page: Page = await read(cursor === undefined ? {} : { cursor })
    if (page.data.length > 0) {
      yield separator + page.data.map((row) => JSON.stringify(row)).join(',')
      separator = ','
    }
    cursor = page.nextCursor
  }
}

/** One piece at a time, when there is room for it. */
function streamOf(text: AsyncGenerator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await text.next()
      if (done) controller.close()
      else controller.enqueue(encoder.encode(value))
    },
    async cancel() {
      await text.return(undefined)
    },
  })
}
