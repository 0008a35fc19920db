/**
 * The suite that every store must pass. A new store brings a way to open it with injected clocks and calls
 * `describeStore`; the suite is the definition of what a store is.
 */
import { describe } from 'vitest'
import { describeBooks } from './books.ts'
import type { StoreUnderTest } from './harness.ts'
import { describeIdempotency } from './idempotency.ts'
import { describeModel } from './model.ts'
import { describeRaces } from './races.ts'
import { describeSales } from './sales.ts'

/** Registers the suite's tests for one store. */
export function describeStore(store: StoreUnderTest): void {
  describe(`store: ${store.name}`, () => {
    describeRaces(store)
    describeBooks(store)
    describeSales(store)
    describeIdempotency(store)
    describeModel(store)
  })
}
