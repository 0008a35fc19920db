/** Every scenario on the Worker in workerd. */
import { afterAll, beforeAll, describe } from 'vitest'
import { type Stack, startStack } from './harness/stack.ts'
import { everyScenario } from './scenarios/all.ts'

describe('Cloudflare Worker in workerd', () => {
  let stack: Stack
  beforeAll(async () => {
    stack = await startStack('worker')
  })
  afterAll(() => stack.stop())
  everyScenario(() => stack)
})
