import { generateKeyPairSync } from 'node:crypto'
import { verifyWebhook } from '@clerk/backend/webhooks'
import { signClerkEvent } from '@faregate/simulators/clerk'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseJwtKey, parsePublishableKey } from '../issuers/clerk-keys.ts'
import { jwtKeyProblem, publishableKeyProblem, webhookSecretProblem } from './clerk-keys.ts'
import { publicPem, publishableKey } from './test-kit.ts'

const pem = publicPem()
const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey

const publishable = [
  publishableKey,
  `pk_live_${btoa('clerk.shop.example.com$')}`,
  `pk_live_${btoa('clerk.shop.example.com$')}`.replace(/=+$/, ''),
  `pk_test_${btoa('127.0.0.1:4000$')}`,
  `pk_test_${btoa('clerk.example.com')}`,
  `pk_test_${btoa('https://clerk.example.com$')}`,
  `pk_test_${btoa('localhost$')}`,
  'pk_test_',
  'sk_test_abc',
  '',
]

const jwtKeys = [
  pem,
  pem.replaceAll('\n', '\\n'),
  pem.replaceAll('\n', ' '),
  `"${pem}"`,
  elliptic.export({ type: 'spki', format: 'pem' }).toString(),
  pem.slice(0, 200),
  pem.replaceAll('PUBLIC', 'PRIVATE'),
  'MIIB',
  '',
]

test('a publishable key passes here exactly when the issuer can read it', () => {
  const agree = (key: string): void => {
    expect(publishableKeyProblem(key) === null, key).toBe(parsePublishableKey(key).ok)
  }
  publishable.forEach(agree)
  expect(publishableKeyProblem(publishableKey)).toBeNull()
  const host = fc.string({ unit: fc.constantFrom('a', 'b', '.', ':', '-', '$', '/', '1'), maxLength: 12 })
  fc.assert(
    fc.property(fc.constantFrom('test', 'live', 'x'), host, (kind, text) =>
      agree(`pk_${kind}_${btoa(text)}`),
    ),
  )
})

test('a JWT key that passes here the issuer can read', () => {
  for (const key of jwtKeys) expect(jwtKeyProblem(key) === null, key).toBe(parseJwtKey(key).ok)
  expect(jwtKeys.filter((key) => jwtKeyProblem(key) === null)).toHaveLength(4)
  const cut = fc.tuple(fc.nat(pem.length), fc.nat(40))
  fc.assert(
    fc.property(cut, ([at, length]) => {
      const key = pem.slice(0, at) + pem.slice(at + length)
      if (jwtKeyProblem(key) === null) expect(parseJwtKey(key).ok, key).toBe(true)
    }),
    { numRuns: 500 },
  )
})

test("with a webhook's secret that passes here Clerk's own code can verify", async () => {
  const text = fc.string({ unit: fc.constantFrom('A', 'z', '9', '+', '/', '=', '-', '_', '!'), maxLength: 8 })
  const bytes = fc.uint8Array({ minLength: 10, maxLength: 40, size: 'max' })
  let passed = 0
  await fc.assert(
    fc.asyncProperty(bytes, text, fc.boolean(), fc.boolean(), async (secret, tail, whole, padded) => {
      const base64 = btoa(String.fromCharCode(...secret))
      const key = `whsec_${padded ? base64 : base64.replace(/=+$/, '')}${whole ? '' : tail}`
      if (webhookSecretProblem(key) !== null) {
        expect(whole && padded && secret.length >= 16, key).toBe(false)
        return
      }
      passed += 1
      const { body, headers } = signClerkEvent(key, { type: 'user.created' })
      const request = new Request('http://gateway/', { method: 'POST', headers, body })
      expect(await verifyWebhook(request, { signingSecret: key })).toMatchObject({ type: 'user.created' })
    }),
    { numRuns: 500 },
  )
  expect(passed).toBeGreaterThan(100)
})
