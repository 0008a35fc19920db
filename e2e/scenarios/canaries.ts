/**
 * Secrets and prompts stay out of every log line and every file. Canaries are planted wherever callers, providers and
 * the operator can put text; then requests succeed and fail in all the ways there are; then everything is searched.
 */
import { signClerkEvent } from '@faregate/simulators/clerk'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { asOperator, call, keyed, newUser, tokenOf } from '../harness/calls.ts'
import { dataFiles } from '../harness/files.ts'
import { accountIdOf, adminPath, giveCredits } from '../harness/operator.ts'
import {
  ADMIN_KEY,
  ANTHROPIC_KEY,
  CLERK_WEBHOOK_SECRET,
  PROVIDER_KEY,
  type Stack,
  startStack,
} from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import { wireExamples } from '../harness/wires.ts'

const CHAT = '/v1/chat/completions'
const SAID = 'prompt-canary-7f3a91'
const ANSWERED = 'answer-canary-55d0e2'
const CLAIM = 'claim-canary-b81c44'
const WRONG = 'wrong-key-canary-09ae17'
/** What is sent in an address, which is no place for a secret: wrangler's own record has it. */
const ADDRESS = 'address-canary-e0417b'

export function canaries(stack: () => Stack): void {
  let own: Stack
  beforeAll(async () => {
    const timeouts = { headersMs: 500, idleMs: 500, totalMs: 3000 }
    own = await startStack(stack().runtime, { config: { timeouts } })
  })
  afterAll(() => own.stop())

  it('200 to 504: no prompt, answer, token or key is in any log line or file', async () => {
    const secrets = new Set([
      PROVIDER_KEY,
      ANTHROPIC_KEY,
      ADMIN_KEY,
      CLERK_WEBHOOK_SECRET,
      SAID,
      ANSWERED,
      CLAIM,
      WRONG,
      ADDRESS,
    ])
    const user = newUser()
    const token = await tokenWithCanary(own, user)
    const key = await makeKey(own, token)
    for (const text of [token, key]) addParts(secrets, text)
    const statuses = [
      ...(await modelRequests(own, token)),
      ...(await modelRequests(own, key)),
      ...(await everyWire(own, token)),
      ...(await refusedRequests(own, token)),
      ...(await operatorRequests(own, user)),
      ...(await clerkEvents(own)),
    ]
    // So that the search has something to find: every family of answers was seen.
    for (const status of [200, 201, 400, 401, 402, 404, 413, 429, 502, 504])
      expect(statuses).toContain(status)
    await until('nothing is held', 20_000, async () => {
      const answer = await call(own, token, '/v1/account')
      return ((await answer.json()) as { credits: { held: number } }).credits.held === 0
    })
    await until('the log has it', 5000, () => own.log().includes('charged_on_evidence'))
    search(own, secrets)
    await own.kill('SIGTERM')
    search(own, secrets)
  })
}

async function tokenWithCanary({ clerk }: Stack, user: string): Promise<string> {
  const claims = { pla: 'u:free_user', email: CLAIM, nested: { note: CLAIM } }
  return clerk.mint({ user, overrides: { claims } })
}

/** Events full of what is personal: taken in, not understood, and forged. */
async function clerkEvents(stack: Stack): Promise<number[]> {
  const payer = { user_id: newUser(), email: CLAIM, first_name: CLAIM }
  const item = { id: 'i1', status: 'active', period_start: 1, period_end: 2, payer }
  const events = [
    { type: 'user.updated', data: { email_addresses: [{ email_address: CLAIM }] } },
    { type: 'subscriptionItem.active', timestamp: 1, data: { ...item, plan: { slug: 'pro', name: CLAIM } } },
    { type: 'subscriptionItem.active', timestamp: 1, data: { ...item, plan: { slug: 'gold' } } },
    { type: 'subscriptionItem.active', timestamp: 1, data: { ...item, status: CLAIM } },
  ]
  const forged = `whsec_${btoa('another-secret-of-this-length')}`
  const sent = [CLERK_WEBHOOK_SECRET, forged].flatMap((secret) =>
    events.map((event) => signClerkEvent(secret, event)),
  )
  const answers = sent.map(({ body, headers }) =>
    fetch(`${stack.url}/webhooks/clerk`, { method: 'POST', headers, body }),
  )
  return Promise.all(answers.map(async (answer) => (await answer).status))
}

async function makeKey(stack: Stack, token: string): Promise<string> {
  const answer = await call(stack, token, '/v1/keys', { body: { name: 'k' } })
  return ((await answer.json()) as { key: string }).key
}

/** The whole of a secret, and the parts that would give it away. */
function addParts(secrets: Set<string>, text: string): void {
  for (const part of [text, text.slice(-43), ...text.split('.')]) if (part.length >= 40) secrets.add(part)
}

/** Well-behaved answers and every fault of a provider, all of which repeat what was said. */
async function modelRequests(stack: Stack, token: string): Promise<number[]> {
  const error = { error: { message: `You said ${SAID}`, type: ANSWERED, code: ANSWERED, param: SAID } }
  const scripts: Record<string, unknown>[] = [
    { content: ANSWERED },
    { toolCalls: [{ name: 'look_up', arguments: JSON.stringify({ q: ANSWERED }) }] },
    ...[400, 401, 403, 404, 422, 429, 500, 503, 529].map((status) => ({ status, body: error })),
    {
      status: 500,
      body: `<html>${SAID} ${PROVIDER_KEY} ${ANTHROPIC_KEY}</html>`,
      headers: { 'x-echo': SAID },
    },
    { redirect: `http://127.0.0.1:1/?q=${SAID}` },
    { content: ANSWERED, badJson: true },
    { content: ANSWERED, badSse: true },
    { content: ANSWERED, badSse: `data: {"${SAID}": ${ANSWERED}\n\n` },
    { content: ANSWERED, errorEvent: true },
    { content: ANSWERED, cutShort: true },
    { content: ANSWERED, reset: 'mid' },
    { content: ANSWERED, reset: 'beforeHeaders' },
    { content: ANSWERED, hang: 'headers' },
    { content: ANSWERED, hang: 'mid' },
    { content: ANSWERED, usage: { prompt_tokens: SAID, completion_tokens: ANSWERED } },
    { content: ANSWERED, gzip: true },
    { content: ANSWERED, model: ANSWERED, serviceTier: ANSWERED },
  ]
  const asked = scripts.flatMap((script) => [false, true].map((stream) => ({ script, stream })))
  const statuses: number[] = []
  for (const { path, tool, ...more } of wires) {
    const answers = asked.map(async ({ script, stream }) => {
      const tools = script['toolCalls'] !== undefined && { tools: [tool] }
      const body = keyed(SAID, script, { stream, ...more, ...tools })
      const messages = [{ role: 'system', content: `Never say ${SAID}` }, ...(body['messages'] as unknown[])]
      const answer = await call(stack, token, path, { body: { ...body, messages } })
      const text = await answer.text().catch(() => '')
      for (const secret of [PROVIDER_KEY, ANTHROPIC_KEY]) expect(text).not.toContain(secret)
      return answer.status
    })
    statuses.push(...(await Promise.all(answers)))
  }
  return statuses
}

const parameters = { type: 'object', properties: {} }
/** What is sent alike to each of these, but for its tools. */
const wires = [
  { path: CHAT, tool: { type: 'function', function: { name: 'look_up', description: SAID, parameters } } },
  {
    path: '/v1/messages',
    model: 'claude',
    max_tokens: 300,
    tool: { name: 'look_up', description: SAID, input_schema: parameters },
  },
]

/** Every wire, going well and going wrong, under keys that are secrets of their callers. */
async function everyWire(stack: Stack, token: string): Promise<number[]> {
  const error = { error: { message: `You said ${SAID}`, type: ANSWERED, code: ANSWERED, status: SAID } }
  const scripts: Record<string, unknown>[] = [
    { content: ANSWERED },
    { status: 400, body: error },
    { content: ANSWERED, badJson: true },
    { content: ANSWERED, errorEvent: true },
    { content: ANSWERED, reset: 'mid' },
    { content: ANSWERED, usage: { input_tokens: SAID, output_tokens: ANSWERED, promptTokenCount: SAID } },
  ]
  const answers = scripts.flatMap((script, index) =>
    wireExamples(JSON.stringify({ script, key: SAID })).flatMap(({ name, path, body, headers }) =>
      [body, { ...body, [SAID]: SAID }, { ...body, model: SAID }].map(async (each, nth) => {
        const more = { 'idempotency-key': `${SAID}-${name}-${index}-${nth}`, ...headers }
        const answer = await call(stack, token, path, { body: each, headers: more })
        const text = await answer.text().catch(() => '')
        for (const secret of [PROVIDER_KEY, ANTHROPIC_KEY]) expect(text).not.toContain(secret)
        return answer.status
      }),
    ),
  )
  return Promise.all(answers)
}

/** Requests that are refused for what they carry. */
async function refusedRequests(stack: Stack, token: string): Promise<number[]> {
  const chat = (body: unknown, headers: Record<string, string> = {}) =>
    call(stack, token, CHAT, { body, headers })
  const answers = await Promise.all([
    chat(`{"model":"fast","messages":[{"role":"user","content":"${SAID}`),
    chat(`{"${SAID}":1,"${SAID}":2}`),
    chat(keyed(SAID, {}, { [SAID]: SAID })),
    chat(keyed(SAID, {}, { temperature: SAID })),
    chat(keyed(SAID, {}, { model: SAID })),
    chat(keyed(SAID, {}, { max_completion_tokens: 90_000_000 })),
    chat({ model: 'fast', messages: [{ role: SAID, content: SAID }] }),
    chat(SAID.repeat(300_000)),
    chat(keyed(SAID), { 'x-api-key': WRONG.repeat(2) }),
    chat(keyed(SAID), { cookie: `session=${SAID}`, 'openai-organization': SAID, 'x-note': SAID }),
    chat(keyed(SAID), { 'x-note': SAID.repeat(1000) }),
    call(stack, `${token}x`, CHAT, { body: keyed(SAID) }),
    call(stack, WRONG, CHAT, { body: keyed(SAID) }),
    call(stack, `fg_${WRONG}`, CHAT, { body: keyed(SAID) }),
    call(stack, token, `/v1/account?token=${ADDRESS}`),
    call(stack, token, `/v1/account/entries?requestId=${ADDRESS}&limit=${ADDRESS}`),
    call(stack, token, `/${ADDRESS}`),
    call(stack, token, '/v1/keys', { body: { ttlSeconds: SAID, [SAID]: 1 } }),
    call(stack, WRONG, adminPath('clerk:user_1')),
  ])
  return Promise.all(
    answers.map(async (answer) => {
      const text = await answer.text()
      expect(text).not.toContain(PROVIDER_KEY)
      expect(text).not.toContain(ADMIN_KEY)
      expect(text).not.toContain(WRONG)
      return answer.status
    }),
  )
}

async function operatorRequests(stack: Stack, user: string): Promise<number[]> {
  const id = accountIdOf(user)
  await giveCredits(stack, id, 1)
  const answers = await Promise.all([
    asOperator(stack, adminPath(id)),
    asOperator(stack, adminPath(id, '/grants'), { credits: WRONG, reason: 'x' }),
    asOperator(stack, adminPath(id, '/grants'), `{"credits": ${WRONG}`),
    asOperator(stack, adminPath(id, '/keys'), {}),
    call(stack, await tokenOf(stack, user), CHAT, { body: keyed(SAID) }),
  ])
  return answers.map(({ status }) => status)
}

function search(stack: Stack, secrets: Set<string>): void {
  const files = dataFiles(stack)
  expect(files.some(({ name }) => /\.(?:db|sqlite)(?:-wal)?$/.test(name))).toBe(true)
  const byWrangler = stack.runtime === 'worker'
  const log = { name: 'the log', bytes: Buffer.from(stack.log()), trace: byWrangler }
  for (const { name, bytes, trace } of [...files, log]) {
    const found = [...secrets].filter((secret) => bytes.includes(secret) && !(trace && secret === ADDRESS))
    expect({ name, found }).toEqual({ name, found: [] })
  }
}
