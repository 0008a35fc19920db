/** Clerk's pages of a list: `limit` and `offset` in the query, `data` and `total_count` in the answer. */

/** The part of a list that a request asks for. */
export function page<Item>(items: Item[], url: URL): { data: Item[]; total_count: number } {
  const offset = whole(url.searchParams.get('offset'), 0)
  const limit = whole(url.searchParams.get('limit'), 100)
  return { data: items.slice(offset, offset + limit), total_count: items.length }
}

function whole(text: string | null, otherwise: number): number {
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : otherwise
}
