/** The operator's config as the apps load it: `faregate.config.ts`, or the module or JSON that FAREGATE_CONFIG names. */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Where it is. */
export const configPath = resolve(process.env['FAREGATE_CONFIG'] ?? 'faregate.config.ts')

/** What is in it, unchecked. Throws, with the way out, where there is none. */
export async function loadConfig(): Promise<unknown> {
  if (!existsSync(configPath)) {
    throw new Error(`There is no config at ${configPath}. Write one, or name another with FAREGATE_CONFIG.`)
  }
  if (configPath.endsWith('.json')) return JSON.parse(readFileSync(configPath, 'utf8'))
  const module: { default?: unknown } = await import(pathToFileURL(configPath).href)
  return module.default
}
