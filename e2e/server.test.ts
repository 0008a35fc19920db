/** Every scenario on the self-hosted server. */
import { afterAll, beforeAll, describe } from 'vitest'
import { type Stack, startStack } from './harness/stack.ts'
import { identity } from './scenarios/identity.ts'
import { identityKeys } from './scenarios/identity-keys.ts'
import { walk } from './scenarios/walk.ts'

describe('self-hosted server on Bun', () => {
  let stack: Stack
  beforeAll(async () => {
    stack = await startStack('server')
  })
  afterAll(() => stack.stop())
  describe('walk', () => walk(() => stack))
  describe('identity', () => identity(() => stack))
  describe('identity keys', () => identityKeys(() => stack))
})
