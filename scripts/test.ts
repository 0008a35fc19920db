/** `pnpm test`: everything that needs no browser, on both runtimes, with one plain closing line. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'

const report = 'test-output/vitest.json'

mkdirSync('test-output', { recursive: true })
rmSync(report, { force: true })
const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
const { status } = spawnSync('vitest', [...args, ...process.argv.slice(2)], { stdio: 'inherit' })

type Report = { numPassedTests: number; numFailedTests: number; numPendingTests: number; success: boolean }

const { numPassedTests, numFailedTests, numPendingTests, success }: Report = JSON.parse(
  readFileSync(report, 'utf8'),
)
const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : ''
console.log(`${numPassedTests} passed, ${numFailedTests} failed${skipped}`)
process.exitCode = status === 0 && success ? 0 : 1
