/**
 * The environment, by the names its owners already use. Values are trimmed, and an empty one counts as
 * absent, except where emptiness would open a door. No value is ever repeated in an error.
 */
import { isLoopbackHost } from './addresses.ts'
import type { ConfigError } from './errors.ts'

export type Environment = Readonly<Record<string, string | undefined>>
export type Mode = 'production' | 'development'

/** Where to listen and what to write to. */
export type Listening = { host: string; port: number; databaseUrl: string; adminKeys: string[] }

const portDefault = 8080
const databaseDefault = 'file:./data/faregate.db'
const adminKeyLengthMin = 16

/** A variable's value, or undefined where it is absent or blank. */
export function valueOf(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim()
  return value === '' ? undefined : value
}

/** Reads where to listen, the database and the admin keys. */
export function readEnvironment(
  env: Environment,
  mode: Mode,
): { listening: Listening; errors: ConfigError[] } {
  const errors: ConfigError[] = []
  const fail = (path: string, problem: string | null) => {
    if (problem !== null) errors.push({ path, message: problem })
  }
  const host = valueOf(env, 'HOST') ?? (mode === 'production' ? '0.0.0.0' : '127.0.0.1')
  const port = valueOf(env, 'PORT') ?? String(portDefault)
  const databaseUrl = valueOf(env, 'DATABASE_URL') ?? databaseDefault
  const adminKeys = adminKeysOf(env)
  fail('HOST', hostProblem(host, mode))
  fail('PORT', portProblem(port))
  fail('DATABASE_URL', databaseProblem(databaseUrl))
  fail('FAREGATE_ADMIN_KEY', adminKeyProblem(adminKeys))
  for (const name of ['STRIPE_WEBHOOK_SECRET', 'CLERK_WEBHOOK_SIGNING_SECRET']) {
    if (env[name] !== undefined && valueOf(env, name) === undefined) {
      fail(name, 'is set but empty, so that anyone could sign webhooks: give the secret, or remove the line')
    }
  }
  if (mode === 'production') {
    for (const name of simulatorVariables(env)) {
      fail(name, 'belongs to dev mode, and simulators never run in production: remove it')
    }
  }
  return { listening: { host, port: Number(port), databaseUrl, adminKeys }, errors }
}

/** The path of a `file:` database URL: `./data/faregate.db`, `/var/lib/faregate.db`. */
export function databasePathOf(databaseUrl: string): string {
  return databaseUrl.replace(/^file:/, '').replace(/^\/\/(?=\/)/, '')
}

function simulatorVariables(env: Environment): string[] {
  return Object.keys(env).filter(
    (name) => name.startsWith('FAREGATE_DEV_') && valueOf(env, name) !== undefined,
  )
}

function adminKeysOf(env: Environment): string[] {
  const keys = valueOf(env, 'FAREGATE_ADMIN_KEY')?.split(',') ?? []
  return keys.map((key) => key.trim())
}

function adminKeyProblem(keys: readonly string[]): string | null {
  if (keys.some((key) => /[^\x21-\x7e]/.test(key))) {
    return 'has a key with spaces or characters that a header cannot carry: make one with `openssl rand -hex 32`'
  }
  if (keys.every((key) => key.length >= adminKeyLengthMin)) return null
  return `has a key of fewer than ${adminKeyLengthMin} characters, which could be guessed: make one with \`openssl rand -hex 32\`; to rotate, give two, with a comma between them`
}

function hostProblem(host: string, mode: Mode): string | null {
  if (/[\s/]/.test(host))
    return 'must be a host name or an IP address, without scheme and port, e.g. 127.0.0.1'
  if (mode === 'development' && !isLoopbackHost(host)) {
    return 'must be loopback in dev mode (127.0.0.1), where anyone may make tokens: remove it, or use `pnpm start`'
  }
  return null
}

function portProblem(port: string): string | null {
  return /^\d{1,5}$/.test(port) && Number(port) <= 65_535 ? null : 'must be a port from 0 to 65535, e.g. 8080'
}

function databaseProblem(url: string): string | null {
  if (/^postgres(?:ql)?:/i.test(url)) {
    return `names Postgres, which Faregate cannot use yet: use a SQLite file, e.g. ${databaseDefault}`
  }
  if (!url.startsWith('file:')) return `must be file: and a path, e.g. ${databaseDefault} (the default)`
  const path = databasePathOf(url)
  if (path === '' || path.endsWith('/')) return `must name a file, e.g. ${databaseDefault}`
  if (path.includes(':memory:') || /[?#]/.test(path)) {
    return 'must be the path of a file alone: balances must outlive the process'
  }
  if (path.startsWith('//')) return 'must name a file of this machine: file:./relative or file:/absolute'
  return null
}
