/** Dev mode as a newcomer starts it, on ports of its own: the gateway, the simulators and the web app. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import config from '../../faregate.config.ts'
import { freePort } from '../harness/free-port.ts'
import type { Runtime } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

export type Dev = { webUrl: string; gatewayUrl: string; stop(): Promise<void> }

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')

/**
 * Starts `pnpm dev` (the Worker) or `pnpm dev:server`; resolves when its banner is printed. `changes` stand over what
 * the config says.
 */
export async function startDev(runtime: Runtime, changes: Partial<typeof config> = {}): Promise<Dev> {
  const [port, webPort, clerkPort, stripePort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ]
  const folder = mkdtempSync(join(tmpdir(), 'faregate-dev-'))
  const path = join(folder, 'config.json')
  const webUrl = `http://localhost:${webPort}`
  writeFileSync(
    path,
    JSON.stringify({ ...config, ...changes, identity: { ...config.identity, authorizedParties: [webUrl] } }),
  )
  const env = {
    ...process.env,
    PORT: String(port),
    FAREGATE_DEV_WEB_PORT: String(webPort),
    FAREGATE_DEV_CLERK_PORT: String(clerkPort),
    FAREGATE_DEV_STRIPE_PORT: String(stripePort),
    FAREGATE_DEV_FOLDER: folder,
    FAREGATE_CONFIG: path,
  }
  const child = spawn(process.execPath, ['scripts/dev.ts', runtime], { cwd: root, env, detached: true })
  const output: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => output.push(text))
  }
  const stop = async () => {
    const gone = new Promise((done) => child.once('exit', done))
    if (child.exitCode === null) {
      child.kill('SIGTERM')
      await gone
    }
    rmSync(folder, { recursive: true, force: true })
  }
  await until('dev mode is ready', 150_000, () => {
    if (child.exitCode !== null) throw new Error(`dev mode ended:\n${output.join('')}`)
    return output.join('').includes('Web app')
  })
  return { webUrl, gatewayUrl: `http://localhost:${port}`, stop }
}
