/** Organizations: who belongs to one, what their role allows, and what tokens say of it. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { createStarter, openBrowser, type TestBrowser } from './test-kit.ts'

const { start, stopAll } = createStarter()
afterEach(stopAll)

const create = async (browser: TestBrowser, name: string): Promise<{ id: string; slug: string }> =>
  (await browser.call('/organizations', { name })).body.response

describe('an organization', () => {
  test('its creator is its admin, and the payer follows the switch there and back', async () => {
    const clerk = await start()
    const browser = await openBrowser(clerk)
    await browser.signIn('grace@example.com')
    const { id, slug } = await create(browser, 'Hopper & Co')
    expect(slug).toBe('hopper-co')
    expect(await browser.claims()).not.toHaveProperty('o')
    const { body } = await browser.activate(id)
    expect(body.response.last_active_organization_id).toBe(id)
    expect(body.response.user.organization_memberships[0]).toMatchObject({
      role: 'org:admin',
      organization: { id, name: 'Hopper & Co', members_count: 1 },
    })
    expect(await browser.claims()).toMatchObject({ o: { id, rol: 'admin', slg: slug }, pla: 'o:free_org' })
    await browser.activate('')
    const personal = await browser.claims()
    expect(personal).toMatchObject({ pla: 'u:pro' })
    expect(personal).not.toHaveProperty('o')
    expect(clerk.events.sent.map(({ type }) => type).slice(1, 4)).toEqual([
      'organization.created',
      'organizationMembership.created',
      'subscription.created',
    ])
  })

  test('slugs are made of names and unique; one that is asked for and taken is 422', async () => {
    const browser = await openBrowser(await start())
    await browser.signIn('ada@example.com')
    expect((await create(browser, 'Acme')).slug).toBe('acme-2')
    const taken = await browser.call('/organizations', { name: 'Other', slug: 'acme' })
    expect([taken.status, taken.body.errors[0].meta.param_name]).toEqual([422, 'slug'])
    expect((await browser.call('/organizations', { name: ' ' })).status).toBe(422)
  })

  test('403 for the organization of others', async () => {
    const browser = await openBrowser(await start())
    await browser.signIn('ada@example.com')
    expect((await browser.call('/organizations/org_acme/memberships')).status).toBe(403)
    expect((await browser.call('/organizations/org_acme/billing/subscription')).status).toBe(403)
    expect((await browser.activate('org_acme')).status).toBe(403)
  })

  test('is renamed by its admin', async () => {
    const clerk = await start()
    const browser = await openBrowser(clerk)
    await browser.signIn('katherine@example.com')
    const { body } = await browser.call('/organizations/org_acme', { name: 'Acme Space' }, 'PATCH')
    expect(body.response).toMatchObject({ name: 'Acme Space', slug: 'acme' })
    expect(clerk.events.sent.at(-1)?.type).toBe('organization.updated')
  })

  test('deleted: it is no longer active anywhere, and is told of', async () => {
    const clerk = await start()
    const browser = await openBrowser(clerk)
    await browser.signIn('katherine@example.com')
    const { body } = await browser.call('/organizations/org_acme', {}, 'DELETE')
    expect(body.client.sessions[0].last_active_organization_id).toBeNull()
    expect(await browser.claims()).toMatchObject({ pla: 'u:free_user' })
    const event = JSON.parse(clerk.events.sent.at(-1)?.body ?? '')
    expect(event).toMatchObject({
      type: 'organization.deleted',
      data: { id: 'org_acme', slug: 'acme', deleted: true, object: 'organization' },
    })
  })

  test('survives a restart with its members and where they are', async () => {
    const stateFile = join(mkdtempSync(join(tmpdir(), 'clerk-')), 'state.json')
    const first = await start({ stateFile })
    const browser = await openBrowser(first)
    await browser.signIn('ada@example.com')
    const { id } = await create(browser, 'Engines')
    await browser.activate(id)
    await first.stop()
    const again = await openBrowser(await start({ stateFile }), browser.id)
    expect(await again.claims()).toMatchObject({ o: { id, rol: 'admin', slg: 'engines' } })
  })
})

describe('members', () => {
  /** Katherine's Acme, and Ada, who has been invited and has joined. */
  const joined = async () => {
    const clerk = await start()
    const [admin, member] = [await openBrowser(clerk), await openBrowser(clerk)]
    await admin.signIn('katherine@example.com')
    await member.signIn('ada@example.com')
    await admin.call('/organizations/org_acme/invitations/bulk', {
      email_address: 'ada@example.com',
      role: 'org:member',
    })
    const { body } = await member.call('/me/organization_invitations?status=pending')
    const [invitation] = body.response.data
    expect(invitation.public_organization_data).toMatchObject({ id: 'org_acme', name: 'Acme' })
    await member.call(`/me/organization_invitations/${invitation.id}/accept`, {})
    return { clerk, admin, member }
  }
  const list = async (browser: TestBrowser) =>
    (await browser.call('/organizations/org_acme/memberships')).body.response

  test('join by invitation, and their tokens say so', async () => {
    const { clerk, admin, member } = await joined()
    expect((await list(admin)).data.map((each: { role: string }) => each.role)).toEqual([
      'org:member',
      'org:admin',
    ])
    await member.activate('org_acme')
    expect(await member.claims()).toMatchObject({ o: { id: 'org_acme', rol: 'member' }, pla: 'o:team' })
    expect(clerk.events.sent.slice(-3).map(({ type }) => type)).toEqual([
      'organizationInvitation.created',
      'organizationInvitation.accepted',
      'organizationMembership.created',
    ])
    const pending = await admin.call('/organizations/org_acme/invitations?status=pending')
    expect(pending.body.response.total_count).toBe(0)
  })

  test('may read but not manage: no renaming, inviting or buying', async () => {
    const { member } = await joined()
    const statuses = [
      (await member.call('/organizations/org_acme/billing/subscription')).status,
      (await member.call('/organizations/org_acme', { name: 'Mine' }, 'PATCH')).status,
      (await member.call('/organizations/org_acme/invitations', { email_address: 'x@example.com' })).status,
      (await member.call('/organizations/org_acme/billing/checkouts', { plan_id: 'cplan_free_org' })).status,
      (await member.call('/organizations/org_acme', {}, 'DELETE')).status,
    ]
    expect(statuses).toEqual([200, 403, 403, 403, 403])
  })

  test('are given roles and taken out; the last admin stays', async () => {
    const { clerk, admin, member } = await joined()
    const path = '/organizations/org_acme/memberships'
    expect((await admin.call('/me/organization_memberships/org_acme', {}, 'DELETE')).status).toBe(403)
    expect((await admin.call(`${path}/user_team`, { role: 'org:member' }, 'PATCH')).status).toBe(403)
    await admin.call(`${path}/user_free`, { role: 'org:admin' }, 'PATCH')
    await member.activate('org_acme')
    expect(await member.claims()).toMatchObject({ o: { rol: 'admin' } })
    await member.call('/me/organization_memberships/org_acme', {}, 'DELETE')
    expect(await member.claims()).not.toHaveProperty('o')
    expect((await list(admin)).total_count).toBe(1)
    expect(clerk.events.sent.slice(-2).map(({ type }) => type)).toEqual([
      'organizationMembership.updated',
      'organizationMembership.deleted',
    ])
  })

  test('an invitation is refused for a member, twice, for no address; revoked it admits nobody', async () => {
    const clerk = await start()
    const [admin, guest] = [await openBrowser(clerk), await openBrowser(clerk)]
    await admin.signIn('katherine@example.com')
    await guest.signIn('ada@example.com')
    const path = '/organizations/org_acme/invitations'
    const invite = async (email_address: string) => admin.call(path, { email_address, role: 'org:member' })
    const codes = []
    for (const email of ['katherine@example.com', 'nonsense']) {
      codes.push((await invite(email)).body.errors[0].code)
    }
    const { body } = await invite('ada@example.com')
    codes.push((await invite('ada@example.com')).body.errors[0].code)
    expect(codes).toEqual([
      'already_a_member_in_organization',
      'form_param_format_invalid',
      'duplicate_record',
    ])
    await admin.call(`${path}/${body.response.id}/revoke`, {})
    const accepted = await guest.call(`/me/organization_invitations/${body.response.id}/accept`, {})
    expect(accepted.status).toBe(404)
  })
})
