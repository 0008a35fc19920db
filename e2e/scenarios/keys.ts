/** Faregate keys: made with a session token, shown once, capped, revocable at once, and kept only as a hash. */
import { expect, it } from 'vitest'
import { account, asOperator, call, keyed, newUser, tokenOf } from '../harness/calls.ts'
import { dataFiles } from '../harness/files.ts'
import {
  accountIdOf,
  adminPath,
  entriesOf,
  expectConserved,
  setPlan,
  showAccount,
} from '../harness/operator.ts'
import { expectRefusal } from '../harness/refusals.ts'
import type { Stack } from '../harness/stack.ts'

const CHAT = '/v1/chat/completions'

type Made = { id: string; key: string; expiresAt: string; createdAt: string; creditsMax: number | null }

export function keys(stack: () => Stack): void {
  making(stack)
  bounds(stack)
  spending(stack)
  revoking(stack)
  strangers(stack)
  planOfKey(stack)
  atRest(stack)
}

async function makeKey(stack: Stack, token: string, body: Record<string, unknown> = {}): Promise<Made> {
  const answer = await call(stack, token, '/v1/keys', { body })
  const text = await answer.text()
  expect(answer.status, text).toBe(201)
  return JSON.parse(text) as Made
}

async function listKeys(stack: Stack, token: string): Promise<Record<string, unknown>[]> {
  const answer = await call(stack, token, '/v1/keys')
  expect(answer.status).toBe(200)
  return ((await answer.json()) as { data: Record<string, unknown>[] }).data
}

function making(stack: () => Stack): void {
  it.concurrent('201: a key works as bearer, x-api-key and x-goog-api-key, and its owner pays', async () => {
    const user = newUser()
    const token = await tokenOf(stack(), user)
    const { key, id, expiresAt, createdAt, creditsMax } = await makeKey(stack(), token, { name: 'my agent' })
    expect(key).toMatch(/^fg_[\w-]{60,}$/)
    expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(900_000)
    expect(creditsMax).toBe(10)
    for (const headers of [
      { authorization: `Bearer ${key}` },
      { 'x-api-key': key },
      { 'x-goog-api-key': key },
    ]) {
      const answer = await fetch(stack().url + CHAT, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(keyed(user, { promptTokens: 100, completionTokens: 50 })),
      })
      expect(answer.status, await answer.text()).toBe(200)
    }
    const charges = (await entriesOf(stack(), accountIdOf(user))).filter(({ kind }) => kind === 'charge')
    expect(charges).toHaveLength(3)
    for (const charge of charges) {
      expect(charge).toMatchObject({ member: accountIdOf(user), keyId: id, credits: -0.0002 })
    }
    const [shown] = await listKeys(stack(), token)
    expect(shown).toMatchObject({ id, name: 'my agent', creditsSpent: 0.0006, member: accountIdOf(user) })
    expect(JSON.stringify(shown)).not.toContain(key.slice(-40))
    expect((await account(stack(), key)).id).toBe(accountIdOf(user))
    await expectConserved(stack(), accountIdOf(user))
  })

  it.concurrent("201: a member's key spends the organization's credits and names the member", async () => {
    const user = newUser()
    const organization = `org_${user}`
    const mint = (who: string) => stack().clerk.mint({ user: who, organization, plan: 'team' })
    const { key, id } = await makeKey(stack(), await mint(user))
    const answer = await call(stack(), key, CHAT, { body: keyed(user) })
    expect(answer.status, await answer.text()).toBe(200)
    const [charge] = await entriesOf(stack(), accountIdOf(organization))
    expect(charge).toMatchObject({ kind: 'charge', member: accountIdOf(user), keyId: id })
    // Another member neither sees nor ends it.
    const other = await mint(newUser())
    expect(await listKeys(stack(), other)).toEqual([])
    const gone = await call(stack(), other, `/v1/keys/${id}`, { method: 'DELETE' })
    await expectRefusal(gone, { status: 404, code: 'not_found' })
  })

  it.concurrent('403: a key makes, lists and ends no keys', async () => {
    const token = await tokenOf(stack(), newUser())
    const { key, id } = await makeKey(stack(), token)
    const answers = [
      await call(stack(), key, '/v1/keys', { body: {} }),
      await call(stack(), key, '/v1/keys'),
      await call(stack(), key, `/v1/keys/${id}`, { method: 'DELETE' }),
    ]
    for (const answer of answers) {
      await expectRefusal(answer, { status: 403, code: 'not_allowed', says: 'session token' })
    }
    expect(await listKeys(stack(), token)).toHaveLength(1)
  })
}

function bounds(stack: () => Stack): void {
  it.concurrent('400: longer than the plan allows, each plan by its own bound', async () => {
    const free = await tokenOf(stack(), newUser(), 'free_user')
    const pro = await tokenOf(stack(), newUser(), 'pro')
    const refused = { status: 400, code: 'invalid_value', param: 'ttlSeconds' }
    await expectRefusal(await call(stack(), free, '/v1/keys', { body: { ttlSeconds: 901 } }), {
      ...refused,
      says: '900 s',
    })
    await expectRefusal(await call(stack(), pro, '/v1/keys', { body: { ttlSeconds: 86_401 } }), {
      ...refused,
      says: '86400 s',
    })
    const { expiresAt, createdAt } = await makeKey(stack(), pro, { ttlSeconds: 86_400 })
    expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(86_400_000)
  })

  const bad: [string, unknown, string | undefined][] = [
    ['a life of 59 s', { ttlSeconds: 59 }, 'ttlSeconds'],
    ['a life that is text', { ttlSeconds: '900' }, 'ttlSeconds'],
    ['half a second', { ttlSeconds: 60.5 }, 'ttlSeconds'],
    ['no credits', { creditsMax: 0 }, 'creditsMax'],
    ['credits below zero', { creditsMax: -1 }, 'creditsMax'],
    ['credits finer than a microcredit', { creditsMax: 0.0000001 }, 'creditsMax'],
    ['more credits than the plan allows a key', { creditsMax: 11 }, 'creditsMax'],
    ['a name of 101 characters', { name: 'x'.repeat(101) }, 'name'],
    ['a field that is unknown', { ttl: 60 }, 'ttl'],
    ['a list', [], undefined],
    ['what is not JSON', '{', undefined],
  ]
  it.concurrent.each(bad)('400: %s', async (_name, body, param) => {
    const token = await tokenOf(stack(), newUser())
    const answer = await call(stack(), token, '/v1/keys', { body })
    const code = body === '{' ? 'invalid_json' : 'invalid_value'
    await expectRefusal(answer, { status: 400, code, ...(param && { param }) })
    expect(await listKeys(stack(), token)).toEqual([])
  })

  it.concurrent('409: as many keys as the plan allows, and one more once one is revoked', async () => {
    const token = await tokenOf(stack(), newUser())
    let made = 0
    let last = ''
    let refused: Response | null = null
    while (refused === null && made <= 100) {
      const answer = await call(stack(), token, '/v1/keys', { body: {} })
      if (answer.status !== 201) refused = answer
      else last = ((await answer.json()) as Made).id
      made += 1
    }
    if (refused === null) throw new Error('more than 100 keys were made')
    await expectRefusal(refused, { status: 409, code: 'too_many_keys', says: 'Revoke one' })
    await call(stack(), token, `/v1/keys/${last}`, { method: 'DELETE' })
    await makeKey(stack(), token)
  })
}

function spending(stack: () => Stack): void {
  it.concurrent('402: a key spends up to its creditsMax, and the account has more', async () => {
    const user = newUser()
    const token = await tokenOf(stack(), user)
    const { key } = await makeKey(stack(), token, { creditsMax: '0.002' })
    const ask = (completionTokens: number) =>
      call(stack(), key, CHAT, {
        body: keyed(
          user,
          { promptTokens: 100, completionTokens },
          { max_completion_tokens: completionTokens },
        ),
      })
    const refused = await ask(1000)
    await expectRefusal(refused, { status: 402, code: 'insufficient_credits', says: 'this Faregate key may' })
    for (let count = 0; count < 2; count += 1) expect((await ask(300)).status).toBe(200)
    await expectRefusal(await ask(300), { status: 402, code: 'insufficient_credits', says: '0.0006 more' })
    const [shown] = await listKeys(stack(), token)
    expect(shown?.['creditsSpent']).toBe(0.0014)
    expect((await account(stack(), token)).credits.available).toBe(9.9986)
  })

  it.concurrent('200: a request without a cap is clamped to what the key may still spend', async () => {
    const user = newUser()
    const { key } = await makeKey(stack(), await tokenOf(stack(), user), { creditsMax: '0.002' })
    const answer = await call(stack(), key, CHAT, { body: keyed(user, { completionTokens: 5000 }) })
    expect(answer.status, await answer.text()).toBe(200)
    expect(Number(answer.headers.get('faregate-credits-held'))).toBeLessThanOrEqual(0.002)
    expect(Number(answer.headers.get('faregate-output-tokens-max'))).toBeGreaterThanOrEqual(256)
  })

  it.concurrent('402: 40 parallel calls never spend more than the key may', async () => {
    const user = newUser()
    const token = await tokenOf(stack(), user)
    const { key } = await makeKey(stack(), token, { creditsMax: '0.003' })
    const script = { promptTokens: 100, completionTokens: 200 }
    const answers = await Promise.all(
      Array.from({ length: 40 }, () =>
        call(stack(), key, CHAT, { body: keyed(user, script, { max_completion_tokens: 200 }) }),
      ),
    )
    const paid = answers.filter(({ status }) => status === 200).length
    expect(answers.filter(({ status }) => status === 402)).toHaveLength(40 - paid)
    const [shown] = await listKeys(stack(), token)
    expect(shown?.['creditsSpent']).toBe((paid * 500) / 1e6)
    expect(paid * 500).toBeLessThanOrEqual(3000)
  })
}

function revoking(stack: () => Stack): void {
  it.concurrent('401: a key that was revoked is refused at once, everywhere', async () => {
    const user = newUser()
    const token = await tokenOf(stack(), user)
    const { key, id } = await makeKey(stack(), token)
    expect((await call(stack(), key, '/v1/account')).status).toBe(200)
    const deleted = await call(stack(), token, `/v1/keys/${id}`, { method: 'DELETE' })
    expect(await deleted.json()).toEqual({ id, deleted: true })
    for (const answer of [
      await call(stack(), key, CHAT, { body: keyed(user) }),
      await call(stack(), key, '/v1/account'),
      await call(stack(), key, '/v1/models'),
    ]) {
      await expectRefusal(answer, { status: 401, code: 'invalid_token', says: 'revoked' })
    }
    expect(stack().provider.billFor(user)).toBeUndefined()
    const again = await call(stack(), token, `/v1/keys/${id}`, { method: 'DELETE' })
    await expectRefusal(again, { status: 404, code: 'not_found' })
  })

  it.concurrent("403: a blocked account's key, and its session token", async () => {
    const user = newUser()
    const token = await tokenOf(stack(), user)
    const { key } = await makeKey(stack(), token)
    const path = adminPath(accountIdOf(user), '/blocked')
    expect((await asOperator(stack(), path, { blocked: true }, 'PUT')).status).toBe(200)
    for (const given of [key, token]) {
      const answer = await call(stack(), given, CHAT, { body: keyed(user) })
      await expectRefusal(answer, { status: 403, code: 'blocked', says: 'operator' })
    }
    await expectRefusal(await call(stack(), token, '/v1/keys', { body: {} }), {
      status: 403,
      code: 'blocked',
    })
    expect(stack().provider.billFor(user)).toBeUndefined()
  })
}

function strangers(stack: () => Stack): void {
  it.concurrent('401: a made-up key writes nothing, and tells nothing of the account that it names', async () => {
    const real = newUser()
    await makeKey(stack(), await tokenOf(stack(), real))
    const nobody = `${newUser()}made1up`
    const forge = (accountId: string) =>
      `fg_${Buffer.from(accountId).toString('base64url')}_${Buffer.alloc(32, 7).toString('base64url')}`
    const said = new Set<string>()
    for (const accountId of [accountIdOf(real), accountIdOf(nobody)]) {
      for (const [path, body] of [[CHAT, keyed(nobody)], ['/v1/account']] as const) {
        const answer = await call(stack(), forge(accountId), path, { ...(body && { body }) })
        said.add(await expectRefusal(answer, { status: 401, code: 'invalid_token' }))
      }
    }
    expect(said.size).toBe(1)
    expect(stack().provider.billFor(nobody)).toBeUndefined()
    // Locally an object's file holds its name, even when the object has stored nothing.
    const hasLedger = (bytes: Buffer) => stack().runtime === 'server' || bytes.includes('TABLE accounts')
    const naming = dataFiles(stack()).filter(
      ({ bytes, trace }) => !trace && bytes.includes(nobody) && hasLedger(bytes),
    )
    expect(naming.map(({ name }) => name)).toEqual([])
  })

  it.concurrent.each(['fg_', 'fg_abc', `fg_${'A'.repeat(80)}`, `fg_Y2xlcms6dXNlcl8x_${'A'.repeat(42)}=`])(
    '401: the damaged key %s',
    async (key) => {
      await expectRefusal(await call(stack(), key, CHAT, { body: keyed('damaged') }), {
        status: 401,
        code: 'invalid_token',
        says: 'damaged',
      })
    },
  )

  it.concurrent("404: another user's key cannot be ended", async () => {
    const { id, key } = await makeKey(stack(), await tokenOf(stack(), newUser()))
    const other = await tokenOf(stack(), newUser())
    await expectRefusal(await call(stack(), other, `/v1/keys/${id}`, { method: 'DELETE' }), {
      status: 404,
      code: 'not_found',
    })
    expect((await call(stack(), key, '/v1/account')).status).toBe(200)
  })
}

function planOfKey(stack: () => Stack): void {
  it.concurrent('403 then 200: a key goes by the recorded plan, else by what the last token claimed', async () => {
    const user = newUser()
    const { key } = await makeKey(stack(), await tokenOf(stack(), user, 'basic'))
    const ask = (given: string) => call(stack(), given, CHAT, { body: keyed(user, {}, { model: 'deep' }) })
    const refused = { status: 403, code: 'model_not_in_plan', param: 'model' }
    await expectRefusal(await ask(key), { ...refused, says: 'basic' })
    const pro = await tokenOf(stack(), user, 'pro')
    expect((await ask(pro)).status).toBe(200)
    expect((await ask(key)).status).toBe(200)
    expect((await account(stack(), key)).plan).toBe('pro')
    await setPlan(stack(), accountIdOf(user), 'basic')
    await expectRefusal(await ask(key), { ...refused, says: 'basic' })
    expect((await ask(pro)).status).toBe(200)
    expect((await showAccount(stack(), accountIdOf(user))).claimedPlan).toBe('pro')
    await setPlan(stack(), accountIdOf(user), null)
    expect((await ask(key)).status).toBe(200)
  })
}

function atRest(stack: () => Stack): void {
  it.concurrent('201: the key itself is in no file and in no line of the log', async () => {
    const user = newUser()
    const { key, id } = await makeKey(stack(), await tokenOf(stack(), user))
    expect((await call(stack(), key, CHAT, { body: keyed(user) })).status).toBe(200)
    const files = dataFiles(stack())
    expect(files.some(({ bytes }) => bytes.includes(id))).toBe(true)
    for (const { bytes } of files) {
      expect(bytes.includes(key)).toBe(false)
      expect(bytes.includes(key.slice(-43))).toBe(false)
    }
    expect(stack().log()).not.toContain(key.slice(-43))
  })
}
