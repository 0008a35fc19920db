/** The proxies that are measured: how each is started, and what it must be told with a request. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Running, start } from './process.ts'
import { missingWorker, missingWorkerd, startPlainWorker, startWorker } from './workerd.ts'
import { MODEL, PROVIDER_KEY } from './workload.ts'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '..', '..')
const require = createRequire(import.meta.url)
const PROXY_CORE = 1

/** Everything that the proxies share. */
export type Setting = Readonly<{
  upstreamPort: number
  /** Where they may write: on a real disk, since Faregate's commits are to be durable. */
  folder: string
  /** PEM of the key that signs the tokens. */
  publicPem: string
}>

export type Proxy = Readonly<{
  name: string
  title: string
  path: string
  headers: Readonly<Record<string, string>>
  /** Why it cannot be measured here, or null. */
  missing: () => string | null
  start: (setting: Setting, port: number) => Running
}>

/** Bun's binary, without the shim. */
export const bun = (() => {
  const manifest = require.resolve('bun/package.json')
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: { bun: string } }
  return join(dirname(manifest), bin.bun)
})()

const log = ({ folder }: Setting, name: string) => join(folder, `${name}.log`)
const openai = ({ upstreamPort }: Setting) => ({
  OPENAI_API_KEY: PROVIDER_KEY,
  OPENAI_BASE_URL: `http://127.0.0.1:${upstreamPort}/v1`,
})

const nginxConfig = ({ upstreamPort }: Setting, port: number): string => `
daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events { worker_connections 8192; }
http {
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  upstream provider {
    server 127.0.0.1:${upstreamPort};
    keepalive 2048;
    keepalive_requests 100000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location /healthz { return 200; }
    location / {
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Authorization "Bearer ${PROVIDER_KEY}";
      proxy_buffering off;
    }
  }
}
`

const nginxBinary = (): string | null => {
  for (const candidate of ['nginx', '/usr/sbin/nginx']) {
    try {
      execFileSync(candidate, ['-v'], { stdio: 'ignore' })
      return candidate
    } catch {
      // The next one.
    }
  }
  return null
}

const nginx: Proxy = {
  name: 'nginx',
  title: 'nginx proxy_pass, keep-alive (the limit)',
  path: '/v1/chat/completions',
  headers: {},
  missing: () =>
    nginxBinary() === null ? 'nginx is not installed (Debian: apt-get install nginx-light)' : null,
  start: (setting, port) => {
    const prefix = join(setting.folder, 'nginx')
    mkdirSync(prefix, { recursive: true })
    writeFileSync(join(prefix, 'nginx.conf'), nginxConfig(setting, port))
    const command = [nginxBinary() ?? 'nginx', '-p', `${prefix}/`, '-c', 'nginx.conf']
    return start(command, { core: PROXY_CORE, log: log(setting, 'nginx') })
  },
}

const hono: Proxy = {
  name: 'hono',
  title: 'Hono on Bun, bare pass-through',
  path: '/v1/chat/completions',
  headers: {},
  missing: () => null,
  start: (setting, port) =>
    start([bun, join(here, 'hono-pass.ts')], {
      core: PROXY_CORE,
      env: {
        ...openai(setting),
        PORT: String(port),
        BUN_CONFIG_MAX_HTTP_REQUESTS: '65336',
        NODE_ENV: 'production',
      },
      log: log(setting, 'hono'),
    }),
}

const portkeyScript = (): string | null => {
  try {
    return join(dirname(require.resolve('@portkey-ai/gateway/package.json')), 'build', 'start-server.js')
  } catch {
    return null
  }
}

/** Portkey takes the upstream's address from the caller, so each request names it. */
const portkey = (upstreamPort: number): Proxy => ({
  name: 'portkey',
  title: 'Portkey gateway 1.15 (no identity, no ledger)',
  path: '/v1/chat/completions',
  headers: { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `http://127.0.0.1:${upstreamPort}/v1` },
  missing: () =>
    portkeyScript() === null ? 'the development dependency @portkey-ai/gateway is not installed' : null,
  start: (setting, port) =>
    start([process.execPath, portkeyScript() ?? '', `--port=${port}`, '--headless'], {
      core: PROXY_CORE,
      env: { NODE_ENV: 'production' },
      log: log(setting, 'portkey'),
    }),
})

const faregateConfig = {
  credit: { usd: 0.01 },
  providers: { openai: { type: 'openai' } },
  models: { [MODEL]: { provider: 'openai', upstreamModel: MODEL, price: { input: 0.25, output: 2 } } },
  plans: {
    free: {
      slugs: ['free_user'],
      models: '*',
      allowance: { credits: 1_000_000, every: 'month' },
      limits: {},
    },
  },
  defaultPlan: 'free',
  cors: { origins: ['http://localhost:3000'] },
}

const faregateEnv = (setting: Setting, port: number): Record<string, string> => {
  const config = join(setting.folder, 'bench.json')
  writeFileSync(config, JSON.stringify(faregateConfig, null, 2))
  return {
    ...openai(setting),
    PORT: String(port),
    HOST: '127.0.0.1',
    CLERK_JWT_KEY: setting.publicPem,
    FAREGATE_CONFIG: config,
    FAREGATE_ADMIN_KEY: 'bench-admin-key-of-more-than-32-characters',
    NODE_ENV: 'production',
  }
}

const server = join(root, 'apps', 'server', 'src', 'main.ts')

/** What `pnpm start` runs, so that the bench measures what people get. */
const faregate: Proxy = {
  name: 'faregate',
  title: 'Faregate on Bun, everything on, durable (FULL)',
  path: '/v1/chat/completions',
  headers: {},
  missing: () => (existsSync(server) ? null : 'apps/server/src/main.ts does not exist'),
  start: (setting, port) => {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: { start: string }
    }
    const data = join(setting.folder, 'faregate')
    rmSync(data, { recursive: true, force: true })
    mkdirSync(data, { recursive: true })
    const env = faregateEnv(setting, port)
    return start(['sh', '-c', `exec env ${manifest.scripts.start}`], {
      core: PROXY_CORE,
      cwd: root,
      env: { ...env, DATABASE_URL: `file:${join(data, 'faregate.db')}`, PATH: binPath() },
      log: log(setting, 'faregate'),
    })
  },
}

const binPath = (): string => `${join(root, 'node_modules', '.bin')}:${process.env.PATH ?? ''}`

const workerPlain: Proxy = {
  name: 'worker-plain',
  title: 'workerd, plain pass-through Worker',
  path: '/v1/chat/completions',
  headers: {},
  missing: missingWorkerd,
  start: (setting, port) => startPlainWorker(openai(setting), port, join(setting.folder, 'worker-plain')),
}

const worker: Proxy = {
  name: 'worker',
  title: 'Faregate on workerd, everything on',
  path: '/v1/chat/completions',
  headers: {},
  missing: missingWorker,
  start: (setting, port) => startWorker(faregateEnv(setting, port), port, join(setting.folder, 'worker')),
}

/** All proxies, or those named, in the order in which they are measured. */
export const proxies = (upstreamPort: number, only: readonly string[], withWorker: boolean): Proxy[] => {
  const all = [nginx, hono, faregate, portkey(upstreamPort), ...(withWorker ? [workerPlain, worker] : [])]
  return only.length === 0 ? all : all.filter((proxy) => only.includes(proxy.name))
}
