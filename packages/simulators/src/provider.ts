/**
 * Stand-ins for a model provider: a friendly one for dev mode, and a scripted one that fails on demand and keeps
 * its own bill, for tests. Both listen on loopback and take any API key.
 */
export { type ProviderSimulator, startProviderSimulator } from './provider/friendly.ts'
export type { Script, ScriptedCall } from './provider/script.ts'
export {
  type Bill,
  type RecordedRequest,
  type ScriptedProvider,
  startScriptedProvider,
} from './provider/scripted.ts'
