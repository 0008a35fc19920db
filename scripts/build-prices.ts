/** `pnpm prices:build`: writes the gateway's catalogue of prices anew from the package that it is taken from. */
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { convert, fileOf, providers, type SourceProvider } from './prices/convert.ts'

type Package = {
  findProvider(options: { providerId: string }): SourceProvider | undefined
  calcPrice(usage: object, id: string, options: { providerId: string }): { model: { id: string } } | null
}

const target = 'packages/gateway/src/config/price-rows.ts'
const require = createRequire(new URL('../packages/gateway/package.json', import.meta.url))
const { findProvider, calcPrice }: Package = require('@pydantic/genai-prices')
const folder = dirname(dirname(require.resolve('@pydantic/genai-prices')))
const { version }: { version: string } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'))

const source = providers.map((providerId) => {
  const provider = findProvider({ providerId })
  if (!provider) throw new Error(`the package has no provider ${providerId}`)
  return provider
})
const lines = convert(source, (providerId, id) => calcPrice({}, id, { providerId })?.model.id ?? null)
writeFileSync(target, fileOf(`genai-prices@${version}`, lines))
console.log(`${target}: ${lines.length} rows`)
