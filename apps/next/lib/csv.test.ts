/** CSV that survives commas, quotes and line breaks, and runs nothing in a spreadsheet. */
import { expect, test } from 'vitest'
import { toCsv } from './csv.ts'

const fields = (cell: string) =>
  toCsv(['a'], [[cell]])
    .split('\r\n')
    .slice(1)
    .join('\r\n')

test('a file has a byte order mark, its header, and every row on a line that ends with CRLF', () => {
  expect(
    toCsv(
      ['id', 'credits'],
      [
        ['a', 1],
        ['b', -0.5],
      ],
    ),
  ).toBe('\uFEFFid,credits\r\na,1\r\nb,-0.5\r\n')
})

test('what is absent is empty', () => {
  expect(toCsv(['a', 'b', 'c'], [[null, undefined, false]])).toBe('\uFEFFa,b,c\r\n,,false\r\n')
})

test.each([
  ['a comma', 'one, two', '"one, two"'],
  ['a quote', 'say "hi"', '"say ""hi"""'],
  ['a line break', 'one\ntwo', '"one\ntwo"'],
])('%s is quoted', (_, cell, expected) => expect(fields(cell)).toBe(`${expected}\r\n`))

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1'])('the text %j is no formula', (cell) => {
  expect(fields(cell)).toBe(`'${cell}\r\n`)
})

test('a formula with a quote is quoted and no formula', () => {
  expect(fields('=HYPERLINK("x")')).toBe('"\'=HYPERLINK(""x"")"\r\n')
})
