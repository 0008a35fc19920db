/** Tables as CSV (RFC 4180), safe to open in a spreadsheet. */

/** A cell: numbers stay numbers, what is absent is empty. */
export type Cell = string | number | boolean | null | undefined

const LINE_END = '\r\n'
/** Spreadsheets take a file without it for Latin-1. */
const BYTE_ORDER_MARK = '\uFEFF'

/** A whole file: its header, then its rows. */
export function toCsv(header: string[], rows: Cell[][]): string {
  return BYTE_ORDER_MARK + [header, ...rows].map((row) => row.map(toField).join(',') + LINE_END).join('')
}

/**
 * A text that a spreadsheet would run as a formula gets an apostrophe in front, so that what other people wrote (a
 * reason, a name) stays text. Numbers are ours and cannot be formulas: a charge of -2 stays -2 and can be summed.
 */
function toField(cell: Cell): string {
  if (cell === null || cell === undefined) return ''
  if (typeof cell !== 'string') return String(cell)
  const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
