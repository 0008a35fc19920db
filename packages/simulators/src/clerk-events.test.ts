/** Webhooks of the simulated Clerk: signed as Svix signs, in order, and tried again. */
import { afterEach, describe, expect, test } from 'vitest'
import { createStarter, openBrowser, type Received, startReceiver, WEBHOOK_SECRET } from './test-kit.ts'

const { start, stopAll } = createStarter()
const receivers: { close(): Promise<void> }[] = []
afterEach(async () => {
  await stopAll()
  await Promise.all(receivers.splice(0).map((receiver) => receiver.close()))
})

async function receive(answer?: (before: Received[]) => number) {
  const receiver = await startReceiver(answer)
  receivers.push(receiver)
  return receiver
}

describe('events', () => {
  test("arrive signed, in order and in Clerk's envelope", async () => {
    const { webhook, received, types } = await receive()
    const clerk = await start({ webhook })
    const { body } = await (await openBrowser(clerk)).signUp('nora@example.com')
    await clerk.events.settled()
    expect(types()).toEqual(clerk.events.sent.map(({ type }) => type))
    expect(received[0]).toMatchObject({
      id: expect.stringMatching(/^msg_/),
      type: 'user.created',
      event: {
        object: 'event',
        type: 'user.created',
        instance_id: 'ins_simulated',
        timestamp: expect.any(Number),
        event_attributes: { http_request: { client_ip: '127.0.0.1', user_agent: 'simulated' } },
        data: {
          object: 'user',
          id: body.response.created_user_id,
          email_addresses: [{ email_address: 'nora@example.com' }],
          banned: false,
        },
      },
    })
    expect(clerk.events.sent.every(({ status }) => status === 'delivered')).toBe(true)
    expect(clerk.environment['CLERK_WEBHOOK_SIGNING_SECRET']).toBe(WEBHOOK_SECRET)
  })

  test('one that is answered 503 is tried again under its id, and the next waits', async () => {
    const { webhook, received } = await receive((before) => (before.length < 2 ? 503 : 200))
    const clerk = await start({ webhook })
    const browser = await openBrowser(clerk)
    await browser.signIn('ada@example.com')
    await browser.call('/client/sessions', {}, 'DELETE')
    await clerk.events.settled()
    const [created, removed] = clerk.events.sent
    expect(received.map(({ id, status }) => [id, status])).toEqual([
      [created?.id, 503],
      [created?.id, 503],
      [created?.id, 200],
      [removed?.id, 200],
    ])
    expect([created?.type, removed?.type]).toEqual(['session.created', 'session.removed'])
  })

  test('a receiver that is down when it happens still gets it when it is back', async () => {
    const receiver = await receive()
    await receiver.close()
    const clerk = await start({ webhook: receiver.webhook })
    await (await openBrowser(clerk)).signIn('ada@example.com')
    expect(clerk.events.sent[0]?.status).toBe('waiting')
    await receiver.reopen()
    await clerk.events.settled()
    expect(receiver.types()).toEqual(['session.created'])
  })

  test('one that is answered 400 is not tried again', async () => {
    const { webhook, received } = await receive(() => 400)
    const clerk = await start({ webhook })
    await (await openBrowser(clerk)).signIn('ada@example.com')
    await clerk.events.settled()
    expect(received).toHaveLength(1)
    expect(clerk.events.sent[0]?.status).toBe('refused')
  })

  test('may be held, then sent twice and in another order', async () => {
    const { webhook, received, types } = await receive()
    const clerk = await start({ webhook })
    clerk.events.holding = true
    const browser = await openBrowser(clerk)
    await browser.signIn('ada@example.com')
    await browser.call('/me', { first_name: 'Augusta' }, 'PATCH')
    const [signedIn, renamed] = clerk.events.sent
    expect(received).toEqual([])
    expect(await clerk.events.resend(renamed?.id ?? '')).toBe(200)
    expect(await clerk.events.resend(signedIn?.id ?? '')).toBe(200)
    expect(await clerk.events.resend(renamed?.id ?? '')).toBe(200)
    expect(types()).toEqual(['user.updated', 'session.created', 'user.updated'])
    expect(received[0]?.id).toBe(received[2]?.id)
    await expect(clerk.events.resend('msg_none')).rejects.toThrow('msg_none')
  })

  test('any event can be delivered, as it is', async () => {
    const { webhook, received } = await receive()
    const clerk = await start()
    const event = { id: 'msg_made_up', body: JSON.stringify({ type: 'user.created', data: {} }) }
    expect(await clerk.events.deliver(event)).toBe(0)
    clerk.events.sendTo(webhook)
    expect(await clerk.events.deliver(event)).toBe(200)
    expect(received).toMatchObject([{ id: 'msg_made_up', type: 'user.created' }])
  })

  test('without a receiver they are only logged', async () => {
    const clerk = await start()
    await (await openBrowser(clerk)).signIn('ada@example.com')
    expect(clerk.events.sent).toMatchObject([{ type: 'session.created', status: 'unsent' }])
    expect(clerk.environment).not.toHaveProperty('CLERK_WEBHOOK_SIGNING_SECRET')
  })

  test('a secret that is none is refused at start', async () => {
    await expect(start({ webhook: { url: 'http://127.0.0.1:1/', secret: '' } })).rejects.toThrow()
  })

  test('stopping ends what is still being tried', async () => {
    const receiver = await receive()
    await receiver.close()
    const clerk = await start({ webhook: receiver.webhook })
    await (await openBrowser(clerk)).signIn('ada@example.com')
    await clerk.stop()
    expect(clerk.events.sent[0]?.status).toBe('undelivered')
  })
})
