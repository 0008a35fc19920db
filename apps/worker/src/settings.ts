/** The Worker's settings: the config from its bundle with the variables and secrets of its deployment. */
import { formatConfigErrors, resolveConfig, type Settings } from '@faregate/gateway'
import config from 'faregate-config'
import type { WorkerEnv } from './env.ts'

/** After a client has left, a Worker may go on for 30 s; ten of them are for settling. */
const DRAIN_MS_MAX = 20_000

const known = new WeakMap<WorkerEnv, Settings>()

/** Resolves the settings once an isolate. Throws, naming every error, when they cannot be used. */
export function settingsOf(env: WorkerEnv): Settings {
  const before = known.get(env)
  if (before) return before
  const variables: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) if (typeof value === 'string') variables[name] = value
  const mode = env.FAREGATE_DEV_MODE === '1' ? 'development' : 'production'
  const resolved = resolveConfig(config, variables, mode)
  if (!resolved.ok) throw new Error(formatConfigErrors(resolved.error))
  const { drain, ...settings } = resolved.value
  const bounded = { ...settings, drain: { ...drain, timeMs: Math.min(drain.timeMs, DRAIN_MS_MAX) } }
  known.set(env, bounded)
  return bounded
}
