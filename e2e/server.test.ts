/** Every scenario on the self-hosted server. */
import { afterAll, beforeAll, describe } from 'vitest'
import { type Stack, startStack } from './harness/stack.ts'
import { everyScenario } from './scenarios/all.ts'

describe('self-hosted server on Bun', () => {
  let stack: Stack
  beforeAll(async () => {
    stack = await startStack('server')
  })
  afterAll(() => stack.stop())
  everyScenario(() => stack)
})
