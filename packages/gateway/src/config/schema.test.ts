import { expect, test } from 'vitest'
import type { z } from 'zod'
import type { FaregateConfig } from './faregate-config.ts'
import { configSchema } from './schema.ts'
import { contractExample, smallest } from './test-kit.ts'

/** The same with every field required, so that `?: T` and `?: T | undefined` compare alike. */
type Full<T> = T extends object ? { [K in keyof T]-?: Full<Exclude<T[K], undefined>> } : T
type Same<A, B> = [Full<A>, Full<B>] extends [Full<B>, Full<A>] ? true : false

test('the type that operators see and the schema that is checked are alike', () => {
  // The compiler proves it; a field that only one of them has makes this `false`.
  const same: Same<FaregateConfig, z.input<typeof configSchema>> = true
  expect(same).toBe(true)
  for (const config of [contractExample, smallest]) expect(configSchema.parse(config)).toEqual(config)
})
