/** A Worker that has the account objects and nothing else, with a clock and a config that the tests set. */
import { DurableObject } from 'cloudflare:workers'
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
import { catalog } from '../../../packages/gateway/src/stores/conformance/fixtures.ts'

export type TestEnv = { ACCOUNTS: DurableObjectNamespace<TestAccountObject> }

/** What the objects go by. Tests run in the objects' isolate and may change it. */
export const conditions = {
  clock: Date.now,
  creditUsd: '0.01',
  /** Failures that objects told their log. */
  logged: [] as string[],
  /** Thrown by the next calls, after what they asked for was done: an answer that is lost on its way. */
  losses: [] as Error[],
}

export class TestAccountObject extends DurableObject<TestEnv> {
  readonly #ledger: AccountLedger

  constructor(context: DurableObjectState, env: TestEnv) {
    super(context, env)
    this.#ledger = createAccountLedger({
      storage: context.storage,
      name: context.id.name,
      settings: () => ({ catalog, creditUsd: conditions.creditUsd }),
      clock: () => conditions.clock(),
      log: (problem, cause) => conditions.logged.push(`${problem}: ${cause}`),
    })
  }

  async apply(accountId: string, command: Command) {
    const result = await this.#ledger.apply(accountId, command)
    const loss = conditions.losses.shift()
    if (loss) throw loss
    return result
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

export default { fetch: () => new Response(null, { status: 404 }) }
