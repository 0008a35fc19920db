/**
 * Workers run by workerd itself. `wrangler dev` puts a second workerd and a Node process before every request, which
 * costs several times what a plain Worker does and would flatter any ratio; so wrangler only bundles here.
 */

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeWorkerTsconfig } from '../../scripts/worker-tsconfig.ts'
import { type Running, start } from './process.ts'

const here = dirname(fileURLToPath(import.meta.url))
const workerFolder = join(here, '..', '..', 'apps', 'worker')
const PROXY_CORE = 1
const COMPATIBILITY_DATE = '2026-11-01'

/** What of apps/worker/wrangler.jsonc matters here. */
type WranglerConfig = Readonly<{
  compatibility_date?: string
  compatibility_flags?: readonly string[]
  vars?: Readonly<Record<string, unknown>>
  durable_objects?: { bindings?: readonly { name: string; class_name: string }[] }
}>

/** A Worker ready to be served. `objects` maps a binding to its Durable Object class. */
type Bundle = Readonly<{
  script: string
  date: string
  flags: readonly string[]
  vars: Readonly<Record<string, string>>
  objects: Readonly<Record<string, string>>
}>

const wranglerRequire = () =>
  createRequire(createRequire(join(workerFolder, 'package.json')).resolve('wrangler'))

const workerdBinary = (): string => {
  const inWrangler = createRequire(wranglerRequire().resolve('miniflare'))
  return join(dirname(inWrangler.resolve('workerd/package.json')), 'bin', 'workerd')
}

/** Why workerd cannot run here, or null. */
export const missingWorkerd = (): string | null => {
  try {
    return existsSync(workerdBinary()) ? null : 'workerd is not installed in apps/worker'
  } catch {
    return 'wrangler is not installed in apps/worker'
  }
}

/** Why apps/worker cannot run here, or null. */
export const missingWorker = (): string | null =>
  existsSync(join(workerFolder, 'wrangler.jsonc'))
    ? missingWorkerd()
    : 'apps/worker/wrangler.jsonc does not exist'

const quote = (text: string): string => JSON.stringify(text)

const capnp = (bundle: Bundle, port: number, folder: string): string => {
  const vars = Object.entries(bundle.vars).map(
    ([name, value]) => `(name = ${quote(name)}, text = ${quote(value)})`,
  )
  const objects = Object.entries(bundle.objects)
  const namespaces = objects.map(
    ([, name]) => `(className = ${quote(name)}, uniqueKey = ${quote(`bench-${name}`)}, enableSql = true)`,
  )
  const bindings = [
    ...vars,
    ...objects.map(
      ([binding, name]) => `(name = ${quote(binding)}, durableObjectNamespace = ${quote(name)})`,
    ),
  ]
  const storage = objects.length === 0 ? '' : 'durableObjectStorage = (localDisk = "disk"),'
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "internet", network = (allow = ["public", "private"])),
    (name = "disk", disk = (path = ${quote(join(folder, 'objects'))}, writable = true)),
    (name = "main", worker = .worker),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = ${quote(bundle.date)},
  compatibilityFlags = [${bundle.flags.map(quote).join(', ')}],
  bindings = [${bindings.join(', ')}],
  durableObjectNamespaces = [${namespaces.join(', ')}],
  ${storage}
);
`
}

const serve = (bundle: Bundle, port: number, folder: string): Running => {
  mkdirSync(join(folder, 'objects'), { recursive: true })
  writeFileSync(join(folder, 'worker.js'), bundle.script)
  writeFileSync(join(folder, 'config.capnp'), capnp(bundle, port, folder), { mode: 0o600 })
  const command = [workerdBinary(), 'serve', join(folder, 'config.capnp')]
  return start(command, { core: PROXY_CORE, log: join(folder, 'workerd.log') })
}

const emptied = (folder: string): string => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  return folder
}

/** Starts the plain pass-through Worker. */
export const startPlainWorker = (
  vars: Readonly<Record<string, string>>,
  port: number,
  folder: string,
): Running => {
  const script = readFileSync(join(here, 'worker-pass.js'), 'utf8')
  return serve({ script, date: COMPATIBILITY_DATE, flags: [], vars, objects: {} }, port, emptied(folder))
}

/** wrangler.jsonc without its comments and trailing commas; strings are left alone. */
const readWranglerConfig = (): WranglerConfig => {
  const text = readFileSync(join(workerFolder, 'wrangler.jsonc'), 'utf8')
  const bare = text.replaceAll(
    /("(?:\\.|[^"\\])*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (_, string?: string) => string ?? '',
  )
  const json = bare.replaceAll(/("(?:\\.|[^"\\])*")|,(?=\s*[}\]])/g, (_, string?: string) => string ?? '')
  return JSON.parse(json) as WranglerConfig
}

/** Starts apps/worker, bundled by wrangler as for a deployment, its Durable Objects on disk. */
export const startWorker = (env: Readonly<Record<string, string>>, port: number, folder: string): Running => {
  const out = join(emptied(folder), 'bundle')
  execFileSync(
    join(workerFolder, 'node_modules', '.bin', 'wrangler'),
    [
      'deploy',
      '--dry-run',
      '--outdir',
      out,
      '--tsconfig',
      writeWorkerTsconfig(env.FAREGATE_CONFIG ?? '', folder),
    ],
    {
      cwd: workerFolder,
      stdio: 'pipe',
      env: { ...process.env, ...env, WRANGLER_SEND_METRICS: 'false', CI: '1' },
    },
  )
  const config = readWranglerConfig()
  const main = ['main.js', 'index.js', 'worker.js']
    .map((name) => join(out, name))
    .find((file) => existsSync(file))
  if (main === undefined) throw new Error(`wrangler left no bundle in ${out}`)
  const texts = Object.entries(config.vars ?? {}).map(([name, value]) => [name, String(value)])
  const objects = (config.durable_objects?.bindings ?? []).map((binding) => [
    binding.name,
    binding.class_name,
  ])
  const bundle: Bundle = {
    script: readFileSync(main, 'utf8'),
    date: config.compatibility_date ?? COMPATIBILITY_DATE,
    flags: config.compatibility_flags ?? [],
    vars: { ...Object.fromEntries(texts), ...env },
    objects: Object.fromEntries(objects),
  }
  return serve(bundle, port, folder)
}
