/** A Worker's config is part of its bundle. This names another one for a bundle, through a tsconfig of its own. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const worker = resolve(dirname(fileURLToPath(import.meta.url)), '../apps/worker/tsconfig.json')

/** Writes the tsconfig into `folder` and returns its path, for wrangler's `--tsconfig`. */
export function writeWorkerTsconfig(configPath: string, folder: string): string {
  mkdirSync(folder, { recursive: true })
  const path = resolve(join(folder, 'worker.tsconfig.json'))
  const compilerOptions = { paths: { 'faregate-config': [resolve(configPath)] } }
  writeFileSync(path, JSON.stringify({ extends: worker, compilerOptions }))
  return path
}
