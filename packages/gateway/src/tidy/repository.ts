/** Finds the sources of the repository, and what its manifests start from. */
import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import type { Uses } from './rules.ts'
import { readSource, type Source } from './source.ts'

const rooms = ['packages', 'apps', 'bench', 'e2e', 'scripts']
const skipped = ['node_modules', 'dist', 'data', 'test-output', 'coverage']
const generated = ['next-env.d.ts', 'worker-configuration.d.ts']

/** All sources of the rooms and of the root, by path from the root, in order. */
export function readSources(root: string): Source[] {
  return pathsUnder(root)
    .filter((path) => /\.tsx?$/.test(path) && !generated.includes(posix.basename(path)))
    .map((path) => readSource(path, readFileSync(`${root}/${path}`, 'utf8')))
}

function pathsUnder(root: string): string[] {
  const found = readdirSync(root).filter((name) => name.endsWith('.ts'))
  const enter = (folder: string) => {
    for (const entry of readdirSync(`${root}/${folder}`, { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`
      if (entry.isFile()) found.push(path)
      else if (entry.isDirectory() && !entry.name.startsWith('.') && !skipped.includes(entry.name))
        enter(path)
    }
  }
  rooms.forEach(enter)
  return found.sort()
}

/** Package exports as names, and as entries what scripts and manifests name, tests, config files and Next's own. */
export function readUses(root: string): Uses {
  const manifests = pathsUnder(root).filter((path) => /(^|\/)(package\.json|wrangler\.jsonc?)$/.test(path))
  const packages = new Map([['faregate-config', 'faregate.config.ts']])
  const named = new Set<string>()
  for (const path of ['package.json', ...manifests]) {
    const text = readFileSync(`${root}/${path}`, 'utf8')
    const folder = posix.dirname(path)
    for (const [name] of text.matchAll(/[\w./-]+\.tsx?\b/g)) named.add(posix.join(folder, name))
    if (!path.endsWith('package.json')) continue
    for (const [name, file] of exportsOf(text)) packages.set(name, posix.join(folder, file))
  }
  const nextFile =
    /^apps\/next\/(app\/(.*\/)?(page|layout|route|error|loading|not-found|icon)\.tsx?|proxy\.ts)$/
  const entries = (path: string) =>
    named.has(path) || nextFile.test(path) || /\.test\.tsx?$|\.d\.ts$|config\.ts$/.test(path)
  return { packages, entries }
}

function exportsOf(manifest: string): [string, string][] {
  const { name, exports = {} }: { name: string; exports?: Record<string, string> } = JSON.parse(manifest)
  return Object.entries(exports).map(([key, file]) => [posix.join(name, key), file])
}
