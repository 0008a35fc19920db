/** Signing up, and the user's own account afterwards. */
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { SEEDED_PASSWORD } from './clerk.ts'
import { createStarter, openBrowser } from './test-kit.ts'

const { start, stopAll } = createStarter()
afterEach(stopAll)

const stateFile = () => join(mkdtempSync(join(tmpdir(), 'clerk-')), 'state.json')
const seededEmails = async (url: string): Promise<string[]> => {
  const { users } = await (await fetch(`${url}/dev/users`)).json()
  return users.map(({ email }: { email: string }) => email)
}

describe('signing up', () => {
  test('makes a user who is signed in, on the free plan, and told of', async () => {
    const clerk = await start()
    const browser = await openBrowser(clerk)
    const { body } = await browser.signUp('Nora@Example.com ')
    expect(body.response).toMatchObject({ status: 'complete', missing_fields: [], unverified_fields: [] })
    const [session] = body.client.sessions
    expect(session).toMatchObject({ id: body.response.created_session_id, status: 'active' })
    expect(session.user.email_addresses[0]).toMatchObject({
      email_address: 'nora@example.com',
      verification: { status: 'verified' },
    })
    expect(await browser.claims()).toMatchObject({ sub: body.response.created_user_id, pla: 'u:free_user' })
    expect(clerk.events.sent.map(({ type }) => type)).toEqual([
      'user.created',
      'subscription.created',
      'subscriptionItem.created',
      'subscriptionItem.active',
      'subscription.active',
      'session.created',
    ])
  })

  test('the environment asks for no code and shows the way to sign up', async () => {
    const clerk = await start()
    const environment = await (await fetch(`${clerk.url}/v1/environment`)).json()
    expect(environment.user_settings.sign_up.mode).toBe('public')
    expect(environment.user_settings.attributes.email_address).toMatchObject({
      enabled: true,
      verify_at_sign_up: false,
    })
  })

  test.each([
    ['an address that is taken', 'ada@example.com', 'long enough', 'form_identifier_exists', 'email_address'],
    ['no address', 'nonsense', 'long enough', 'form_param_format_invalid', 'email_address'],
    ['a short password', 'new@example.com', 'short', 'form_password_length_too_short', 'password'],
  ])('422 for %s, under its field', async (_, email, password, code, param) => {
    const clerk = await start()
    const browser = await openBrowser(clerk)
    const { status, body } = await browser.signUp(email, password)
    expect([status, body.errors[0].code, body.errors[0].meta.param_name]).toEqual([422, code, param])
    expect((await browser.call('/client')).body.response.sessions).toEqual([])
  })

  test('what is missing is asked for, and may come later', async () => {
    const browser = await openBrowser(await start())
    const begun = await browser.call('/client/sign_ups', { email_address: 'late@example.com' })
    expect(begun.body.response).toMatchObject({
      status: 'missing_requirements',
      missing_fields: ['password'],
    })
    const path = `/client/sign_ups/${begun.body.response.id}`
    expect((await browser.call(path)).body.response.email_address).toBe('late@example.com')
    const done = await browser.call(path, { password: 'long enough', first_name: 'Late' }, 'PATCH')
    expect(done.body.response.status).toBe('complete')
    expect(done.body.client.sessions[0].user.first_name).toBe('Late')
    expect((await browser.call(path, { password: 'long enough' }, 'PATCH')).status).toBe(404)
  })

  test('a restart loses nobody: session, password and name are kept, the password not in the open', async () => {
    const file = stateFile()
    const first = await start({ stateFile: file })
    const browser = await openBrowser(first)
    await browser.signUp('nora@example.com', 'correct horse')
    await browser.call('/me', { first_name: 'Nora' }, 'PATCH')
    await first.stop()
    expect(readFileSync(file, 'utf8')).not.toContain('correct horse')
    const second = await start({ stateFile: file })
    const again = await openBrowser(second, browser.id)
    expect((await again.call('/me')).body.response).toMatchObject({ first_name: 'Nora' })
    const elsewhere = await openBrowser(second)
    expect((await elsewhere.signIn('nora@example.com', 'wrong horse')).status).toBe(422)
    expect((await elsewhere.signIn('nora@example.com', 'correct horse')).body.response.status).toBe(
      'complete',
    )
    expect(await seededEmails(second.url)).not.toContain('nora@example.com')
  })
})

describe('the profile', () => {
  test('names change, everywhere and with an event', async () => {
    const clerk = await start()
    const browser = await openBrowser(clerk)
    await browser.signIn('ada@example.com')
    const { body } = await browser.call('/me', { first_name: 'Augusta', last_name: 'King' }, 'PATCH')
    expect(body.response).toMatchObject({ first_name: 'Augusta', last_name: 'King' })
    expect(body.client.sessions[0].user.first_name).toBe('Augusta')
    const event = JSON.parse(clerk.events.sent.at(-1)?.body ?? '')
    expect(event).toMatchObject({ type: 'user.updated', data: { id: 'user_free', first_name: 'Augusta' } })
  })

  test('a password changes for whoever knows the old one; the list of seeds then hides it', async () => {
    const clerk = await start()
    const browser = await openBrowser(clerk)
    await browser.signIn('ada@example.com')
    const change = (current_password: string, new_password: string) =>
      browser.call('/me/change_password', { current_password, new_password })
    expect((await change('wrong', 'a better one')).body.errors[0].meta.param_name).toBe('current_password')
    expect((await change(SEEDED_PASSWORD, 'short')).body.errors[0].meta.param_name).toBe('new_password')
    expect((await change(SEEDED_PASSWORD, 'a better one')).status).toBe(200)
    const elsewhere = await openBrowser(clerk)
    expect((await elsewhere.signIn('ada@example.com')).status).toBe(422)
    expect((await elsewhere.signIn('ada@example.com', 'a better one')).status).toBe(200)
    expect(await seededEmails(clerk.url)).toEqual([
      'grace@example.com',
      'katherine@example.com',
      'charles@example.com',
    ])
  })

  test('other devices are listed and signed out: one of them, or all with a new password', async () => {
    const clerk = await start()
    const [own, second, third] = [
      await openBrowser(clerk),
      await openBrowser(clerk),
      await openBrowser(clerk),
    ]
    for (const browser of [own, second, third]) await browser.signIn('ada@example.com')
    const devices = async () =>
      (await own.call('/me/sessions/active')).body.map(({ id }: { id: string }) => id)
    const other = (await second.call('/client')).body.response.last_active_session_id
    expect(await devices()).toContain(other)
    expect((await own.call(`/me/sessions/${other}/revoke`, {})).body.response.status).toBe('revoked')
    expect((await second.call('/me')).status).toBe(401)
    expect(await devices()).toHaveLength(2)
    await own.call('/me/change_password', {
      current_password: SEEDED_PASSWORD,
      new_password: 'a better one',
      sign_out_of_other_sessions: 'true',
    })
    expect((await third.call('/me')).status).toBe(401)
    expect(await devices()).toHaveLength(1)
    expect(clerk.events.sent.map(({ type }) => type).slice(-3)).toEqual([
      'session.revoked',
      'session.revoked',
      'user.updated',
    ])
  })

  test('deleting the account signs out everywhere, frees the address and is told of', async () => {
    const clerk = await start()
    const [browser, other] = [await openBrowser(clerk), await openBrowser(clerk)]
    await browser.signIn('katherine@example.com')
    await other.signIn('katherine@example.com')
    const { body } = await browser.call('/me', {}, 'DELETE')
    expect(body.response).toEqual({ id: 'user_team', object: 'user', deleted: true })
    expect((await other.call('/me')).status).toBe(401)
    expect(clerk.events.sent.slice(-2).map(({ type }) => type)).toEqual([
      'organizationMembership.deleted',
      'user.deleted',
    ])
    expect(JSON.parse(clerk.events.sent.at(-1)?.body ?? '').data).toEqual({
      deleted: true,
      id: 'user_team',
      object: 'user',
    })
    expect((await other.signUp('katherine@example.com')).body.response.status).toBe('complete')
  })

  test('401 for everything of the account when signed out', async () => {
    const browser = await openBrowser(await start())
    const statuses = await Promise.all(
      ['/me', '/me/sessions/active', '/me/billing/subscription', '/me/organization_memberships'].map(
        async (path) => (await browser.call(path)).status,
      ),
    )
    expect(statuses).toEqual([401, 401, 401, 401])
  })
})
