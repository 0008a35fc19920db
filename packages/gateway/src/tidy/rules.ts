/** The house's own properties, of one file and of who imports whom. See section 5 of the design, and ARCHITECTURE.md. */
import { posix } from 'node:path'
import type { Import, Source } from './source.ts'

export const FUNCTION_LINES_MAX = 70
export const FILE_LINES_MAX = 400

/** One breach, as `path:line rule`. */
export type Finding = string

/** Lengths, `any`, `!`, default exports, work put off. */
export function fileFindings(source: Source): Finding[] {
  const at = (line: number, rule: string) => `${source.path}:${line} ${rule}`
  const long = source.functions.filter(({ lines }) => lines > FUNCTION_LINES_MAX)
  return [
    ...(source.lines > FILE_LINES_MAX
      ? [at(FILE_LINES_MAX + 1, `the file has ${source.lines} lines, ${FILE_LINES_MAX} at most`)]
      : []),
    ...long.map(({ name, line, lines }) =>
      at(line, `the function ${name} has ${lines} lines, ${FUNCTION_LINES_MAX} at most`),
    ),
    ...source.anys.map((line) => at(line, 'no `any`')),
    ...source.nonNulls.map((line) => at(line, 'no non-null `!`')),
    ...(mayDefaultExport(source.path)
      ? []
      : source.defaultExports.map((line) => at(line, 'no default export'))),
    ...source.marks.map((line) => at(line, 'no work put off')),
  ]
}

/** Files whose framework asks for a default export. */
function mayDefaultExport(path: string): boolean {
  return (
    /(^|\/)[\w.-]*config\.ts$/.test(path) ||
    /^apps\/next\/(app\/.*\.tsx|proxy\.ts)$/.test(path) ||
    /^apps\/worker\/(src\/index|test\/worker)\.ts$/.test(path) ||
    path.endsWith('.d.ts')
  )
}

/** Whether a file serves tests alone: such files may import what they like. */
export function isTest(path: string): boolean {
  return /\.test\.tsx?$|(^|\/)(test-kit[\w-]*\.ts$|__fixtures__\/|conformance\/|tidy\/|e2e\/|simulators\/|^apps\/\w+\/test\/)/.test(
    path,
  )
}

const root = 'packages/gateway/src/'

/** The rooms that each room of the gateway may import from, itself aside. A room is a folder or a file of the root. */
const mayImport: Record<string, readonly string[]> = {
  core: [],
  'ports.ts': ['core'],
  endpoints: ['core', 'ports.ts'],
  providers: ['core', 'ports.ts'],
  issuers: ['core', 'ports.ts'],
  stores: ['core', 'ports.ts'],
  billing: ['core', 'ports.ts'],
  pipeline: ['core', 'ports.ts'],
  config: ['core', 'ports.ts', 'providers'],
  http: ['core', 'ports.ts', 'pipeline', 'config', 'endpoints', 'issuers'],
}

/** The composition roots of the library: they alone, and the apps, name concrete adapters. */
const composers = ['index.ts', 'gateway.ts']

const concrete =
  /^(issuers\/(clerk|oidc)|stores\/(memory|sqlite|node-sqlite|durable-object|postgres)|billing\/\w+|endpoints\/openai\/(chat-completions|responses|embeddings|moderations|images|speech|transcriptions)|endpoints\/anthropic\/(messages|count-tokens)|endpoints\/gemini\/generate-content)\.ts$/

/** The few that stand on another adapter of their folder. */
const standsOn: Record<string, string> = {
  'issuers/clerk.ts': 'issuers/oidc.ts',
  'stores/migrations.ts': 'stores/sqlite.ts',
  'stores/node-sqlite.ts': 'stores/sqlite.ts',
  'stores/durable-object.ts': 'stores/sqlite.ts',
}

/** Where the names of a runtime's own modules may stand. */
const ofRuntime = ['stores/node-sqlite.ts', 'stores/durable-object.ts']

/** Import direction inside packages/gateway. */
export function directionFindings(source: Source): Finding[] {
  if (!source.path.startsWith(root) || isTest(source.path)) return []
  const from = source.path.slice(root.length)
  return source.imports.flatMap((imported) => {
    const breach = breachOf(from, imported)
    return breach === null ? [] : [`${source.path}:${imported.line} ${breach}`]
  })
}

function breachOf(from: string, { specifier }: Import): string | null {
  const room = roomOf(from)
  if (!specifier.startsWith('.')) return packageBreach(from, room, specifier)
  const to = posix.join(posix.dirname(from), specifier)
  if (to.startsWith('..')) return `the library imports nothing outside itself: ${specifier}`
  if (isTest(root + to)) return `only tests import ${to}`
  if (composers.includes(from)) return null
  if (composers.includes(to)) return `${from} imports the composition root ${to}`
  const target = roomOf(to)
  const wires = [wireOf(from), wireOf(to)]
  if (room === target && wires[0] && wires[1] && wires[0] !== wires[1])
    return `the wires of ${wires[0]} may not import ${to}`
  const allowed = mayImport[room]
  if (!allowed) return `no rule says what ${room} may import: add one to tidy/rules.ts`
  if (target !== room && !allowed.includes(target)) return `${room} may not import ${to}`
  if (concrete.test(to) && standsOn[from] !== to)
    return `only ${composers.join(' and ')} name the adapter ${to}`
  return null
}

function packageBreach(from: string, room: string, specifier: string): string | null {
  if (specifier.startsWith('@faregate/')) return `the library imports no package of the house: ${specifier}`
  if (room === 'core') return `core imports nothing outward: ${specifier}`
  const runtime = /^(node|bun|cloudflare):/.test(specifier)
  return runtime && !ofRuntime.includes(from) ? `a runtime's own module: ${specifier}` : null
}

/** Whose wires a file of the endpoints belongs to; what all of them share stands beside their folders. */
function wireOf(path: string): string | undefined {
  return /^endpoints\/(\w+)\//.exec(path)?.[1]
}

function roomOf(path: string): string {
  return path.split('/')[0] ?? path
}

/** What the files of a repository and its manifests say about which files are used. */
export type Uses = {
  /** Files by the name that a package exports them under, or an alias gives them. */
  packages: ReadonlyMap<string, string>
  /** Files that package scripts, manifests and frameworks start from. */
  entries: (path: string) => boolean
}

/** Files that no entry leads to, through imports or by being named in a string. */
export function deadFindings(sources: readonly Source[], { packages, entries }: Uses): Finding[] {
  const paths = new Set(sources.map(({ path }) => path))
  const byPath = new Map(sources.map((source) => [source.path, source]))
  const alive = new Set<string>()
  const visit = (path: string) => {
    const source = byPath.get(path)
    if (!source || alive.has(path)) return
    alive.add(path)
    for (const { specifier } of source.imports) {
      const target = packages.get(specifier) ?? resolve(path, specifier, paths)
      if (target) visit(target)
    }
    const names = source.strings.filter((text) => /\.tsx?$/.test(text)).map(bareName)
    for (const other of paths) if (names.some((name) => `/${other}`.endsWith(`/${name}`))) visit(other)
  }
  for (const { path } of sources) if (entries(path)) visit(path)
  return sources
    .filter(({ path }) => !alive.has(path))
    .map(({ path }) => `${path}:1 a dead file: nothing that runs imports it`)
}

/** The last word of a string that names a file, without the dots that lead to it. */
function bareName(text: string): string {
  return (text.split(/\s/).at(-1) ?? '').replace(/^[./]+/, '')
}

function resolve(from: string, specifier: string, paths: ReadonlySet<string>): string | undefined {
  const nextAlias = specifier.startsWith('@/') ? posix.join('apps/next', specifier.slice(2)) : null
  const base = nextAlias ?? (specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : null)
  if (base === null) return undefined
  return [base, `${base}.ts`, `${base}.tsx`, `${base}/index.ts`].find((candidate) => paths.has(candidate))
}
