/** `pnpm prices`: what each model of the config costs the operator, and what users pay. No keys are needed. */
import { formatConfigErrors } from '../packages/gateway/src/config/errors.ts'
import { readPriceList } from '../packages/gateway/src/config/price-list.ts'
import { loadConfig } from './load-config.ts'
import { tableOf } from './prices/table.ts'

async function main(): Promise<void> {
  const list = readPriceList(await loadConfig())
  if (!list.ok) throw new Error(formatConfigErrors(list.error))
  console.log(tableOf(list.value, Date.now()))
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
})
