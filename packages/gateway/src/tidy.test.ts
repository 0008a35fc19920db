/** The boundaries of the house, kept by a test. Each rule first catches an offender that is planted here. */
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { readSources, readUses } from './tidy/repository.ts'
import { deadFindings, directionFindings, fileFindings, isTest } from './tidy/rules.ts'
import { readSource } from './tidy/source.ts'

const files = (text: string, path = 'packages/gateway/src/core/planted.ts') =>
  fileFindings(readSource(path, text))
const body = (lines: number) => 'f()\n'.repeat(lines)

describe('lengths', () => {
  test.each([
    ['a function', `function long() {\n${body(69)}}\n`, 'long'],
    ['a method', `class A {\n  long() {\n${body(69)}}\n}\n`, 'long'],
    ['an arrow', `const long = async () => {\n${body(69)}}\n`, 'long'],
    ['an arrow in an object', `const a = {\n  long: (x: string) => {\n${body(69)}}\n}\n`, 'long'],
    ['a callback', `go(1, () => {\n${body(69)}})\n`, 'anonymous'],
    ['a function inside a test', `test('x', () => {\nfunction long() {\n${body(69)}}\n})\n`, 'long'],
    [
      'one after an emoji and odd text',
      `const s = \`🙂 { \${'}'}\`\nfunction long() {\n${body(69)}}\n`,
      'long',
    ],
  ])('%s of 71 lines is caught, of 70 not', (_, text, name) => {
    const line = text.split('\n').findIndex((each) => each.includes(name === 'long' ? 'long' : 'go(')) + 1
    expect(files(text)).toEqual([
      `packages/gateway/src/core/planted.ts:${line} the function ${name} has 71 lines, 70 at most`,
    ])
    expect(files(text.replace('f()\n', ''))).toEqual([])
  })

  test('what describe, it and test run is not a function that a reader must hold in mind', () => {
    for (const callee of ['describe', 'it', 'test', 'test.each([1])', 'describe.skip']) {
      expect(files(`${callee}('x', () => {\n${body(200)}})\n`)).toEqual([])
    }
    expect(files(`attest('x', () => {\n${body(200)}})\n`)).toHaveLength(1)
  })

  test('a file of 401 lines is caught, tests too, of 400 not', () => {
    const text = 'f()\n'.repeat(401)
    expect(files(text, 'e2e/long.test.ts')).toEqual([
      'e2e/long.test.ts:401 the file has 401 lines, 400 at most',
    ])
    expect(files('f()\n'.repeat(400))).toEqual([])
  })
})

describe('words that the house does without', () => {
  test.each([
    ['let a: any', 'no `any`'],
    ['const a = b as unknown as any[]', 'no `any`'],
    ['const a = new Map<string, any>()', 'no `any`'],
    ['const a = b!', 'no non-null `!`'],
    ['const a = b!.c![0]', 'no non-null `!`'],
    ['let a!: string', 'no non-null `!`'],
    ['export default function a() {}', 'no default export'],
    ['const a = 1\nexport { a as default }', 'no default export'],
    [`// ${'TO'}${'DO'}: later`, 'no work put off'],
    [`const a = 1 /* ${'FIX'}${'ME'} */`, 'no work put off'],
  ])('%s', (text, rule) => {
    expect(files(text).every((finding) => finding.endsWith(rule))).toBe(true)
    expect(files(text).length).toBeGreaterThan(0)
  })

  test('in strings, comments and negations they are innocent', () => {
    expect(files(`const any = 'any!' // any b!\nconst a = !any\nconst b = a !== any\n`)).toEqual([])
    expect(files(`/* export default */ const a = \`x!: any \${1}\`\nconst r = /any!"'/\n`)).toEqual([])
  })

  test('frameworks get their default exports', () => {
    for (const path of ['apps/next/app/a/page.tsx', 'apps/worker/src/index.ts', 'vitest.config.ts']) {
      expect(files('export default {}', path)).toEqual([])
    }
    expect(files('export default {}', 'apps/worker/src/other.ts')).toHaveLength(1)
    expect(files('export default {}', 'apps/next/lib/page.tsx')).toHaveLength(1)
  })
})

describe('directions', () => {
  const directions = (from: string, specifier: string) =>
    directionFindings(readSource(`packages/gateway/src/${from}`, `import { a } from '${specifier}'\n`))

  test.each([
    ['core/a.ts', '../ports.ts'],
    ['core/a.ts', '../stores/rows.ts'],
    ['core/a.ts', 'zod'],
    ['core/a.ts', 'node:fs'],
    ['ports.ts', './pipeline/run.ts'],
    ['endpoints/a.ts', '../issuers/jwt.ts'],
    ['endpoints/openai/a.ts', './chat-completions.ts'],
    ['endpoints/gemini/a.ts', '../anthropic/b.ts'],
    ['issuers/a.ts', '../stores/rows.ts'],
    ['issuers/oidc.ts', './clerk.ts'],
    ['stores/a.ts', './memory.ts'],
    ['stores/memory.ts', './sqlite.ts'],
    ['billing/stripe.ts', './clerk.ts'],
    ['pipeline/a.ts', '../endpoints/sse.ts'],
    ['pipeline/a.ts', '../issuers/faregate-key.ts'],
    ['pipeline/a.ts', '../http/app.ts'],
    ['config/a.ts', '../issuers/clerk-keys.ts'],
    ['http/a.ts', '../issuers/clerk.ts'],
    ['http/a.ts', '../stores/memory.ts'],
    ['http/a.ts', '../gateway.ts'],
    ['http/a.ts', '../core/test-kit.ts'],
    ['http/a.ts', 'node:crypto'],
    ['gateway.ts', '@faregate/simulators/clerk'],
    ['index.ts', '../../../apps/server/src/main.ts'],
    ['cellar/a.ts', '../core/result.ts'],
  ])('%s may not import %s', (from, specifier) => {
    expect(directions(from, specifier)).toEqual([expect.stringContaining(`packages/gateway/src/${from}:1 `)])
  })

  test.each([
    ['core/a.ts', './b.ts'],
    ['ports.ts', './core/result.ts'],
    ['issuers/clerk.ts', './oidc.ts'],
    ['issuers/clerk.ts', './jwks.ts'],
    ['issuers/a.ts', 'jose'],
    ['stores/node-sqlite.ts', './sqlite.ts'],
    ['stores/node-sqlite.ts', 'node:sqlite'],
    ['pipeline/a.ts', '../ports.ts'],
    ['config/a.ts', '../providers/openai.ts'],
    ['http/a.ts', '../pipeline/run.ts'],
    ['gateway.ts', './issuers/clerk.ts'],
    ['core/a.test.ts', '@faregate/simulators/clerk'],
  ])('%s may import %s', (from, specifier) => {
    expect(directions(from, specifier)).toEqual([])
  })

  test('re-exports, types and dynamic imports are imports', () => {
    for (const text of [
      `export { a } from '../ports.ts'`,
      `export * from '../ports.ts'`,
      `import type { A } from '../ports.ts'`,
      `const a = await import('../ports.ts')`,
      `type A = import('../ports.ts').A`,
    ]) {
      expect(directionFindings(readSource('packages/gateway/src/core/a.ts', text))).toHaveLength(1)
    }
  })
})

describe('dead files', () => {
  test('are those that no entry leads to, be it in a ring of their own', () => {
    const texts = {
      'src/main.ts': `import './used.ts'\nimport { x } from '@house/kit'\nspawn('bun', ['src/spawned.ts'])`,
      'src/used.ts': '',
      'src/spawned.ts': '',
      'kit/index.ts': '',
      'other/used.ts': '',
      'src/ring-a.ts': `import './ring-b.ts'`,
      'src/ring-b.ts': `import './ring-a.ts'`,
    }
    const sources = Object.entries(texts).map(([path, text]) => readSource(path, text))
    const uses = {
      packages: new Map([['@house/kit', 'kit/index.ts']]),
      entries: (path: string) => path === 'src/main.ts',
    }
    expect(deadFindings(sources, uses).map((finding) => finding.split(':')[0])).toEqual([
      'other/used.ts',
      'src/ring-a.ts',
      'src/ring-b.ts',
    ])
  })
})

describe('the repository', () => {
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  const sources = readSources(root)

  test('has its rooms read', () => {
    const paths = sources.map(({ path }) => path)
    for (const path of [
      'packages/gateway/src/core/decide.ts',
      'apps/next/app/page.tsx',
      'faregate.config.ts',
    ]) {
      expect(paths).toContain(path)
    }
    expect(paths.some((path) => path.includes('node_modules') || path.includes('/.next/'))).toBe(false)
    const ofCore = sources.find(({ path }) => path === 'packages/gateway/src/core/decide.ts')
    expect(ofCore?.functions.length).toBeGreaterThan(2)
    expect(ofCore?.imports.length).toBeGreaterThan(5)
  })

  test('keeps to its lengths and words', () => {
    expect(sources.flatMap(fileFindings)).toEqual([])
  })

  test('keeps its directions', () => {
    expect(sources.flatMap(directionFindings)).toEqual([])
  })

  test('has no dead file, and none that only tests use but are not theirs', () => {
    const uses = readUses(root)
    expect(deadFindings(sources, uses)).toEqual([])
    const production = { ...uses, entries: (path: string) => uses.entries(path) && !isTest(path) }
    const served = sources.filter(({ path }) => !isTest(path))
    expect(deadFindings(served, production)).toEqual([])
  })
})
