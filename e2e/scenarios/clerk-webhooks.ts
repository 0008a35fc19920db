/** What Clerk says by webhook: who is gone, and which plan is paid for. Signed as Clerk signs. */
import { signClerkEvent } from '@faregate/simulators/clerk'
import { expect, it } from 'vitest'
import { account, asOperator, call, entries, keyed, newUser } from '../harness/calls.ts'
import { accountIdOf, adminPath, entriesOf, expectUntouched, showAccount } from '../harness/operator.ts'
import { expectRefusal } from '../harness/refusals.ts'
import { CLERK_WEBHOOK_SECRET, type Stack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

const CHAT = '/v1/chat/completions'
const PATH = '/webhooks/clerk'
const HOUR_MS = 3_600_000

export function clerkWebhooks(stack: () => Stack): void {
  forged(stack)
  gone(stack)
  goneWhileBusy(stack)
  plans(stack)
  ignored(stack)
}

function event(type: string, data: unknown): Record<string, unknown> {
  return { type, object: 'event', data, timestamp: Date.now(), instance_id: 'ins_test' }
}

async function send(stack: Stack, type: string, data: unknown): Promise<Response> {
  const { body, headers } = signClerkEvent(CLERK_WEBHOOK_SECRET, event(type, data))
  return fetch(stack.url + PATH, { method: 'POST', headers, body })
}

async function sent(stack: Stack, type: string, data: unknown): Promise<void> {
  const answer = await send(stack, type, data)
  const text = await answer.text()
  expect(answer.status, text).toBe(200)
  expect(JSON.parse(text)).toEqual({ received: true })
}

/** A token that does not say what its user's plan is. */
async function planless(stack: Stack, user: string): Promise<string> {
  return stack.clerk.mint({ user, overrides: { claims: { pla: undefined } } })
}

function item(payer: Record<string, string>, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    object: 'commerce_subscription_item',
    id: 'csub_item_1',
    status: 'active',
    plan_period: 'month',
    period_start: Date.now() - HOUR_MS,
    period_end: Date.now() + 700 * HOUR_MS,
    plan: { id: 'cplan_1', slug: 'pro', name: 'Pro', is_default: false },
    payer: { email: 'someone@example.com', first_name: 'Some', ...payer },
    ...more,
  }
}

function forged(stack: () => Stack): void {
  const other = `whsec_${btoa('another-secret-of-this-length')}`
  const at = (minutes: number) => new Date(Date.now() + minutes * 60_000)
  type Signed = ReturnType<typeof signClerkEvent>
  const rows: [name: string, change: (event: unknown) => Signed][] = [
    ['another secret', (said) => signClerkEvent(other, said)],
    ['ten minutes ago', (said) => signClerkEvent(CLERK_WEBHOOK_SECRET, said, { at: at(-10) })],
    ['in ten minutes', (said) => signClerkEvent(CLERK_WEBHOOK_SECRET, said, { at: at(10) })],
    ['no signature', (said) => ({ ...signClerkEvent(CLERK_WEBHOOK_SECRET, said), headers: {} })],
    [
      'another body',
      (said) => ({ ...signClerkEvent(CLERK_WEBHOOK_SECRET, { type: 'x' }), body: JSON.stringify(said) }),
    ],
    [
      'another id',
      (said) => {
        const { body, headers } = signClerkEvent(CLERK_WEBHOOK_SECRET, said)
        return { body, headers: { ...headers, 'svix-id': 'msg_other' } }
      },
    ],
  ]
  it.concurrent.each(rows)('400: user.deleted, signed with or for %s', async (_, change) => {
    const user = newUser()
    const token = await planless(stack(), user)
    const { body, headers } = change(event('user.deleted', { id: user, object: 'user', deleted: true }))
    const answer = await fetch(stack().url + PATH, { method: 'POST', headers, body })
    await expectRefusal(answer, { status: 400, code: 'invalid_value', param: 'svix-signature' })
    expect(await account(stack(), token)).toMatchObject({ blocked: false, credits: { available: 10 } })
  })

  it.concurrent('413: a body that is too large is not read', async () => {
    const said = event('user.deleted', { id: newUser(), padding: 'x'.repeat(1_100_000) })
    const { body, headers } = signClerkEvent(CLERK_WEBHOOK_SECRET, said)
    const answer = await fetch(stack().url + PATH, { method: 'POST', headers, body })
    await expectRefusal(answer, { status: 413, code: 'request_too_large' })
  })
}

function gone(stack: () => Stack): void {
  it.concurrent('200: user.deleted ends the account, once', async () => {
    const user = newUser()
    const id = accountIdOf(user)
    const token = await planless(stack(), user)
    expect((await call(stack(), token, CHAT, { body: keyed(user) })).status).toBe(200)
    expect(await entries(stack(), token)).toHaveLength(2)
    for (let count = 0; count < 3; count += 1) {
      await sent(stack(), 'user.deleted', { id: user, object: 'user', deleted: true })
      expect(await account(stack(), token)).toMatchObject({ blocked: true, credits: { grants: [] } })
      expect(await entriesOf(stack(), id)).toEqual([])
      const refused = await call(stack(), token, CHAT, { body: keyed(user) })
      await expectRefusal(refused, { status: 403, code: 'blocked' })
    }
    // What was on its way when the user went changes nothing.
    await sent(stack(), 'subscriptionItem.updated', item({ user_id: user }))
    expect(await account(stack(), token)).toMatchObject({ plan: 'free', subscription: null })
  })

  it.concurrent('200: organization.deleted ends its account, and no member’s', async () => {
    const user = newUser()
    const organization = `org_gone${user}`
    const token = await stack().clerk.mint({ user, organization, plan: 'team' })
    const own = await planless(stack(), user)
    expect((await call(stack(), token, CHAT, { body: keyed(user) })).status).toBe(200)
    await sent(stack(), 'organization.deleted', { id: organization, object: 'organization', deleted: true })
    expect(await account(stack(), token)).toMatchObject({ blocked: true })
    expect(await account(stack(), own)).toMatchObject({ blocked: false, credits: { available: 10 } })
  })

  it.concurrent('200: a user whom nobody has seen is blocked all the same', async () => {
    const user = newUser()
    await sent(stack(), 'user.deleted', { id: user, object: 'user', deleted: true })
    const refused = await call(stack(), await planless(stack(), user), CHAT, { body: keyed(user) })
    await expectRefusal(refused, { status: 403, code: 'blocked' })
  })
}

function goneWhileBusy(stack: () => Stack): void {
  it.concurrent('503: a user who goes while an answer runs is blocked now and deleted later', async () => {
    const user = newUser()
    const token = await planless(stack(), user)
    const client = new AbortController()
    const body = keyed(user, { chunks: 100, chunkDelayMs: 100 }, { stream: true })
    const running = await call(stack(), token, CHAT, { body, signal: client.signal })
    expect(running.status).toBe(200)
    const said = { id: user, object: 'user', deleted: true }
    await expectRefusal(await send(stack(), 'user.deleted', said), {
      status: 503,
      code: 'overloaded',
      retry: true,
    })
    const refused = await call(stack(), token, CHAT, { body: keyed(user) })
    await expectRefusal(refused, { status: 403, code: 'blocked' })
    client.abort()
    await until('the event is taken in', 10_000, async () => {
      const again = await send(stack(), 'user.deleted', said)
      await again.text()
      return again.status === 200
    })
    expect(await entriesOf(stack(), accountIdOf(user))).toEqual([])
  })
}

function plans(stack: () => Stack): void {
  it.concurrent('200: a subscription is the plan of who has no claim, and of Faregate keys', async () => {
    const user = newUser()
    const token = await planless(stack(), user)
    const made = await call(stack(), token, '/v1/keys', { body: {} })
    const { key } = (await made.json()) as { key: string }
    const entryCount = (await entries(stack(), token)).length
    await sent(stack(), 'subscriptionItem.active', item({ user_id: user }))
    for (const credential of [token, key]) {
      expect(await account(stack(), credential)).toMatchObject({
        plan: 'pro',
        credits: { available: 1000 },
        subscription: { provider: 'clerk', plan: 'pro', status: 'active' },
      })
    }
    // The event itself gave nothing.
    expect(await entries(stack(), token)).toHaveLength(entryCount)
    // The verified token's own claim stands over it.
    const claimed = await stack().clerk.mint({ user, plan: 'basic' })
    expect(await account(stack(), claimed)).toMatchObject({ plan: 'basic' })
    await sent(stack(), 'subscriptionItem.ended', item({ user_id: user }, { status: 'ended' }))
    expect(await account(stack(), key)).toMatchObject({ plan: 'free', subscription: { status: 'ended' } })
  })

  it.concurrent('200: canceled stays in force to its end, past due does not, and old words change nothing', async () => {
    const user = newUser()
    const token = await planless(stack(), user)
    const at = Date.now()
    const say = (status: string, version: number) =>
      sent(stack(), 'subscriptionItem.updated', item({ user_id: user }, { status, updated_at: at + version }))
    await say('canceled', 2)
    expect(await account(stack(), token)).toMatchObject({ plan: 'pro', subscription: { status: 'canceled' } })
    await say('ended', 1)
    expect(await account(stack(), token)).toMatchObject({ plan: 'pro' })
    await say('past_due', 3)
    expect(await account(stack(), token)).toMatchObject({
      plan: 'free',
      subscription: { status: 'past_due' },
    })
    await say('active', 4)
    expect(await account(stack(), token)).toMatchObject({ plan: 'pro' })
  })

  it.concurrent('200: a whole subscription, of an organization', async () => {
    const user = newUser()
    const organization = `org_sub${user}`
    const claims = { o: { id: organization, rol: 'member', slg: 'x' }, pla: undefined }
    const token = await stack().clerk.mint({ user, overrides: { claims } })
    const { payer, ...team } = item({ organization_id: organization }, { plan: { slug: 'team' } })
    const old = { ...team, id: 'csub_item_0', status: 'ended', plan: { slug: 'free_user' } }
    const said = { id: 'csub_1', status: 'active', updated_at: Date.now(), payer, items: [old, team] }
    await sent(stack(), 'subscription.updated', said)
    expect(await account(stack(), token)).toMatchObject({
      plan: 'team',
      payer: 'organization',
      canBuy: false,
      credits: { available: 100 },
    })
  })
}

function ignored(stack: () => Stack): void {
  const user = newUser()
  const rows: [type: string, data: unknown][] = [
    ['user.created', { id: user, email_addresses: [{ email_address: 'mail-canary@example.com' }] }],
    ['session.ended', { user_id: user }],
    ['paymentAttempt.updated', { status: 'paid', payer: { user_id: user } }],
    ['user.deleted', { deleted: true }],
    ['user.deleted', { id: 'org_1' }],
    ['user.deleted', null],
    ['organization.deleted', { id: user }],
    ['subscription.updated', { items: 'none' }],
    ['subscriptionItem.active', {}],
    ['subscriptionItem.active', item({})],
    ['subscriptionItem.active', item({ user_id: 'user_a/b' })],
    ['subscriptionItem.active', item({ user_id: user }, { plan: { slug: 'gold' } })],
    ['subscriptionItem.active', item({ user_id: user }, { plan: null })],
    ['subscriptionItem.active', item({ user_id: user }, { status: 'resting' })],
    ['subscriptionItem.active', item({ user_id: user }, { period_start: 'now' })],
    ['something.new', { user_id: user }],
  ]
  it.concurrent.each(rows)('200: %s %j changes nothing', async (type, data) => {
    await sent(stack(), type, data)
    expect(await showAccount(stack(), accountIdOf(user))).toMatchObject({ plan: 'free', subscription: null })
    await expectUntouched(stack(), accountIdOf(user))
    expect(stack().log()).not.toMatch(/mail-canary|someone@example/)
  })

  it.concurrent('404: the route is for POST, and the admin key opens nothing there', async () => {
    const answer = await asOperator(stack(), PATH, { type: 'user.deleted', data: { id: user } })
    await expectRefusal(answer, { status: 400, code: 'invalid_value', param: 'svix-signature' })
    const read = await asOperator(stack(), PATH)
    await expectRefusal(read, { status: 404, code: 'unsupported_endpoint' })
    expect((await asOperator(stack(), adminPath(accountIdOf(user)))).status).toBe(200)
  })
}
