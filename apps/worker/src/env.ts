/** What a deployment binds: the accounts' objects, and the variables of the contract. */
import type { AccountNamespace } from '@faregate/gateway/stores/durable-object'

export type WorkerEnv = {
  ACCOUNTS: AccountNamespace
  FAREGATE_DEV_MODE?: string
  FAREGATE_DEV_CLERK_URL?: string
}
