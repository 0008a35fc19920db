/** `pnpm prices` as an operator runs it: with a config, and before there are any keys. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { root } from './harness/server-process.ts'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'faregate-prices-'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function prices(config?: string) {
  const env = { PATH: process.env['PATH'] ?? '', ...(config !== undefined && { FAREGATE_CONFIG: config }) }
  const options = { cwd: root, env, encoding: 'utf8' } as const
  const { status, stdout, stderr } = spawnSync(
    join(root, 'node_modules/.bin/bun'),
    ['--no-env-file', 'scripts/prices.ts'],
    options,
  )
  return { status, stdout, stderr }
}

it("shows the repository's own config", () => {
  const { status, stdout, stderr } = prices()
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  for (const words of ['gpt-5-mini of openai', 'genai-prices@', 'fast: gpt-5-nano of openai', 'config:']) {
    expect(stdout).toContain(words)
  }
})

it('shows the config that is named, and names what is wrong with it', () => {
  const path = join(folder, 'config.json')
  const config = {
    credit: { usd: 1 },
    providers: { one: { type: 'openai' } },
    plans: { all: { models: '*' } },
  }
  const write = (models: object) =>
    writeFileSync(path, JSON.stringify({ ...config, defaultPlan: 'all', models }))
  write({ mine: { provider: 'one', upstreamModel: 'gpt-5-mini' } })
  expect(prices(path).stdout).toContain('mine: gpt-5-mini of one')
  write({ mine: { provider: 'one' } })
  expect(prices(path)).toMatchObject({ status: 1, stderr: expect.stringContaining('models.mine.price') })
  expect(prices(join(folder, 'none.ts'))).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('FAREGATE_CONFIG'),
  })
})
