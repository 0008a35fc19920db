/** The scripts that the simulated Clerk serves. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test } from 'vitest'
import { createStarter } from '../test-kit.ts'

/** A chunk of clerk-js as its bundler registers it: ids, and modules by id. */
type Chunk = [
  unknown,
  Record<
    string,
    (
      module: object,
      exports: object,
      runtime: { r: () => void; d: (exports: object, getters: object) => void },
    ) => void
  >,
]

const { start, stopAll } = createStarter()
afterEach(stopAll)

describe('served scripts', () => {
  test('clerk-js finds a Stripe on the page, and so loads none over the network', async () => {
    const clerk = await start()
    const scripts = readdirSync(join(import.meta.dirname, '../../node_modules/@clerk/clerk-js/dist'))
    const chunk = scripts.find((file) => /^stripe-vendors_clerk\.browser_.*\.js$/.test(file))
    const script = await (await fetch(`${clerk.url}/npm/@clerk/clerk-js@6/dist/${chunk}`)).text()
    const page: { window?: unknown; document: object; rspackChunk_clerk_clerk_js?: Chunk[] } = {
      document: {},
    }
    page.window = page
    runInNewContext(script, page)
    const [chunkModule] = Object.values(page.rspackChunk_clerk_clerk_js?.[0]?.[1] ?? {})
    const exported: Record<string, () => (key: string) => Promise<Record<string, unknown>>> = {}
    chunkModule?.({}, {}, { r: () => {}, d: (_, getters) => Object.assign(exported, getters) })
    // A page without a document's methods: asking for Stripe's script would throw.
    const stripe = await exported['loadStripe']?.()('pk_test_simulated')
    for (const method of ['elements', 'createToken', 'createPaymentMethod', 'confirmCardPayment']) {
      expect(stripe?.[method]).toBeTypeOf('function')
    }
  })
})
