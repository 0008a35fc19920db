/**
 * The rule of the house, whole and pure: an account, a command and the time in; what must be written, and the
 * answer, out. Every store runs this inside its transaction, so the rule exists once.
 */
import { type Account, assertConserved } from './account.ts'
import { closeAccount } from './closing.ts'
import type {
  AccountReply,
  Command,
  CustomerReply,
  Found,
  ReplyOf,
  SetBlocked,
  SetCustomer,
  SetPlan,
} from './command.ts'
import { type Context, closeDraft, type Decision, openDraft, unchanged } from './draft.ts'
import { end } from './endings.ts'
import { grant, restore, revoke } from './grants.ts'
import { createKey, revokeKey } from './keys.ts'
import { openPayment, recordPayment, resolvePayment } from './payments.ts'
import { type Refusal, refusal } from './refusal.ts'
import { reserve } from './reserve.ts'
import { err, ok, type Result } from './result.ts'
import { recordSubscription } from './subscriptions.ts'
import { beginTopUp, setAutoTopUp } from './top-up.ts'

/** Decides one command. Throws only when the account that would result breaks conservation. */
export function decide<C extends Command>(
  account: Account,
  command: C,
  found: Found,
  context: Context,
): Result<Decision<ReplyOf<C>>, Refusal> {
  const result = dispatch(account, command, found, context)
  if (result.ok && result.value.account) assertConserved(result.value.account)
  if (result.ok && result.value.retired) assertConserved(result.value.retired.account)
  // The switch below pairs each command with its reply; TypeScript cannot follow that through a generic.
  return result as Result<Decision<ReplyOf<C>>, Refusal>
}

function dispatch(
  account: Account,
  command: Command,
  found: Found,
  context: Context,
): Result<Decision<ReplyOf<Command>>, Refusal> {
  switch (command.kind) {
    case 'reserve':
      return reserve(account, command, found, context)
    case 'checkpoint':
    case 'settle':
    case 'release':
    case 'lapse':
      return end(account, command, found, context)
    case 'grant':
      return grant(account, command, found, context)
    case 'revoke':
      return revoke(account, command, found, context)
    case 'restore':
      return restore(account, command, found, context)
    case 'setPlan':
      return setPlan(account, command, context)
    case 'setBlocked':
      return setBlocked(account, command, context)
    case 'createKey':
      return createKey(account, command, context)
    case 'revokeKey':
      return revokeKey(account, command, context)
    case 'openPayment':
      return openPayment(account, command, found, context)
    case 'recordPayment':
      return recordPayment(account, command, found, context)
    case 'resolvePayment':
      return resolvePayment(account, command, found, context)
    case 'setCustomer':
      return setCustomer(account, command, context)
    case 'recordSubscription':
      return recordSubscription(account, command, context)
    case 'setAutoTopUp':
      return setAutoTopUp(account, command, context)
    case 'beginTopUp':
      return beginTopUp(account, command, found, context)
    case 'closeAccount':
      return closeAccount(account, command, found, context)
  }
}

function setPlan(
  account: Account,
  command: SetPlan,
  context: Context,
): Result<Decision<AccountReply>, Refusal> {
  const { plan, until } = command
  if (plan !== null && !context.catalog.plans.has(plan)) {
    const known = [...context.catalog.plans.keys()].join(', ')
    return err(
      refusal('invalid_value', `There is no plan ${plan}. The plans are ${known}.`, { param: 'plan' }),
    )
  }
  const draft = openDraft(account, context)
  draft.account.recordedPlan = plan === null ? null : { plan, until }
  return ok(closeDraft(draft, { account: draft.account }))
}

function setCustomer(
  account: Account,
  command: SetCustomer,
  context: Context,
): Result<Decision<CustomerReply>, Refusal> {
  const known = account.billing.customer
  if (known !== null && known !== command.replaces) return ok(unchanged({ customer: known }))
  const draft = openDraft(account, context)
  draft.account.billing.customer = command.customer
  // A customer that is gone took its cards along.
  if (known !== null) draft.account.billing.savedCard = false
  return ok(closeDraft(draft, { customer: command.customer }))
}

function setBlocked(
  account: Account,
  command: SetBlocked,
  context: Context,
): Result<Decision<AccountReply>, Refusal> {
  const draft = openDraft(account, context)
  draft.account.blocked = command.blocked
  if (!command.blocked) delete draft.account.closed
  return ok(closeDraft(draft, { account: draft.account }))
}
