/** Every scenario, for each runtime's test file. */
import { describe } from 'vitest'
import type { Stack } from '../harness/stack.ts'
import { accounts } from './account.ts'
import { admin } from './admin.ts'
import { canaries } from './canaries.ts'
import { identity } from './identity.ts'
import { identityKeys } from './identity-keys.ts'
import { keys } from './keys.ts'
import { limits } from './limits.ts'
import { race } from './race.ts'
import { walk } from './walk.ts'

/** Declares all scenarios over a running stack. */
export function everyScenario(stack: () => Stack): void {
  describe('walk', () => walk(stack))
  describe('identity', () => identity(stack))
  describe('identity keys', () => identityKeys(stack))
  describe('limits', () => limits(stack))
  describe('race', () => race(stack))
  describe('keys', () => keys(stack))
  describe('admin', () => admin(stack))
  describe('account', () => accounts(stack))
  describe('canaries', () => canaries(stack))
}
