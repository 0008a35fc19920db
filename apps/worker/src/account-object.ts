/** The Durable Object that keeps one account's ledger. A class because the runtime demands one; the work is the library's. */
import { DurableObject } from 'cloudflare:workers'
import { createMeter } from '@faregate/gateway'
import {
  type AccountLedger,
  type Command,
  createAccountLedger,
  type EntryQuery,
  type KeptAnswer,
  type PaymentQuery,
  type RequestKey,
  type UsageQuery,
} from '@faregate/gateway/stores/durable-object'
import type { WorkerEnv } from './env.ts'
import { settingsOf } from './settings.ts'

export class AccountObject extends DurableObject<WorkerEnv> {
  readonly #ledger: AccountLedger

  constructor(context: DurableObjectState, env: WorkerEnv) {
    super(context, env)
    this.#ledger = createAccountLedger({
      storage: context.storage,
      name: context.id.name,
      settings: () => settingsOf(env),
      sink: () => createMeter(settingsOf(env)),
      log: (problem, cause) => console.error(problem, cause),
    })
  }

  apply(accountId: string, command: Command) {
    return this.#ledger.apply(accountId, command)
  }

  read(accountId: string) {
    return this.#ledger.read(accountId)
  }

  entries(accountId: string, query: EntryQuery) {
    return this.#ledger.entries(accountId, query)
  }

  payments(accountId: string, query: PaymentQuery) {
    return this.#ledger.payments(accountId, query)
  }

  usage(accountId: string, query: UsageQuery) {
    return this.#ledger.usage(accountId, query)
  }

  keepAnswer(accountId: string, key: RequestKey, answer: KeptAnswer) {
    return this.#ledger.keepAnswer(accountId, key, answer)
  }

  answer(accountId: string, key: RequestKey) {
    return this.#ledger.answer(accountId, key)
  }

  override alarm() {
    return this.#ledger.alarm()
  }
}
