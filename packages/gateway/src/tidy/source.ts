/**
 * What the house's rules need to know of a source file, read off its syntax tree. TypeScript 7 has no compiler
 * API, but the test runner brings a parser of the same syntax.
 */
import { parseAst } from 'vitest/node'

export type Import = { specifier: string; line: number }

export type Source = {
  path: string
  lines: number
  imports: Import[]
  /** Functions with a body in braces, callbacks of `describe`, `it` and `test` aside. */
  functions: { name: string; line: number; lines: number }[]
  anys: number[]
  nonNulls: number[]
  defaultExports: number[]
  /** Lines that put work off in a comment or a string. */
  marks: number[]
  /** Every string, for files that are named and not imported. */
  strings: string[]
}

type Node = { type: string; start: number; end: number; [key: string]: unknown }

/** Reads one file. `path` tells whether it may hold JSX. Throws what the parser throws. */
export function readSource(path: string, text: string): Source {
  const lineAt = lineFinder(text)
  const found = { imports: [], functions: [], anys: [], nonNulls: [], defaultExports: [], strings: [] }
  const source: Source = { path, lines: lineAt(text.trimEnd().length), marks: marksOf(text), ...found }
  const lang = path.endsWith('.d.ts') ? 'dts' : path.endsWith('.tsx') ? 'tsx' : 'ts'
  walk(parseAst(text, { lang, astType: 'ts' }, path), undefined, (node, parent) => {
    note(source, node, parent, lineAt)
  })
  return source
}

function note(
  source: Source,
  node: Node,
  parent: Node | undefined,
  lineAt: (offset: number) => number,
): void {
  const line = lineAt(node.start)
  if (node.type === 'TSAnyKeyword') source.anys.push(line)
  if (node.type === 'TSNonNullExpression' || node.definite === true) source.nonNulls.push(line)
  if (isDefaultExport(node)) source.defaultExports.push(line)
  if (isFunction(node) && !isSuite(node, parent)) {
    const lines = lineAt(node.end) - line + 1
    source.functions.push({ name: nameOf(node, parent), line, lines })
  }
  const specifier = specifierOf(node)
  if (specifier !== null) source.imports.push({ specifier, line })
  const isSpecifier = parent?.source === node && importing.includes(parent.type)
  if (node.type === 'Literal' && typeof node.value === 'string' && !isSpecifier)
    source.strings.push(node.value)
  if (node.type === 'TemplateElement') source.strings.push(String((node.value as { raw: string }).raw))
}

function isFunction(node: Node): boolean {
  const kinds = ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']
  return kinds.includes(node.type) && isNode(node.body) && node.body.type === 'BlockStatement'
}

/** Whether a function is what `describe(…)`, `test.each(…)(…)` or the like runs. */
function isSuite(node: Node, parent: Node | undefined): boolean {
  if (parent?.type !== 'CallExpression' || parent.callee === node) return false
  let callee: unknown = parent.callee
  while (isNode(callee) && callee.type !== 'Identifier') callee = callee.callee ?? callee.object ?? callee.tag
  return isNode(callee) && ['describe', 'it', 'test', 'suite'].includes(String(callee.name))
}

function nameOf(node: Node, parent: Node | undefined): string {
  for (const named of [node.id, parent?.key, parent?.id]) {
    if (isNode(named) && typeof named.name === 'string') return named.name
  }
  return 'anonymous'
}

function isDefaultExport(node: Node): boolean {
  if (node.type === 'ExportDefaultDeclaration') return true
  return node.type === 'ExportSpecifier' && isNode(node.exported) && node.exported.name === 'default'
}

const importing = [
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
  'TSImportType',
]

function specifierOf(node: Node): string | null {
  if (!importing.includes(node.type) || !isNode(node.source)) return null
  return typeof node.source.value === 'string' ? node.source.value : null
}

type Visit = (node: Node, parent: Node | undefined) => void

function walk(value: unknown, parent: Node | undefined, visit: Visit): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, parent, visit)
  } else if (isNode(value)) {
    visit(value, parent)
    for (const inner of Object.values(value)) walk(inner, value, visit)
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

function marksOf(text: string): number[] {
  const words = ['TO' + 'DO', 'FIX' + 'ME']
  return text.split('\n').flatMap((line, index) => {
    return words.some((word) => new RegExp(`\\b${word}\\b`).test(line)) ? [index + 1] : []
  })
}

/** Finds the line, counted from 1, of an offset. */
function lineFinder(text: string): (offset: number) => number {
  const starts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return (offset) => {
    let low = 0
    let high = starts.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return low + 1
  }
}
