/** What a deployment binds: the accounts' objects, and the variables of the contract. */
import type { AccountObject } from './account-object.ts'

export type WorkerEnv = {
  ACCOUNTS: DurableObjectNamespace<AccountObject>
  FAREGATE_DEV_MODE?: string
  FAREGATE_DEV_CLERK_URL?: string
}
