import { catalog } from './conformance/fixtures.ts'
import { describeStore } from './conformance/suite.ts'
import { createMemoryStore } from './memory.ts'

describeStore({
  name: 'memory',
  noticesClockSteps: true,
  readsClosed: true,
  runs: 20,
  async open(clock) {
    const store = createMemoryStore({
      catalog,
      clock: clock.wall,
      steadyClock: clock.steady,
      sweepMs: 3_600_000,
    })
    return { store, sweep: async () => void (await store.sweep()), close: store.close }
  },
})
