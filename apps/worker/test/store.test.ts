/** The stores' suite over real Durable Objects in workerd. */
import { env, runDurableObjectAlarm } from 'cloudflare:test'
import { createDurableObjectStore } from '@faregate/gateway/stores/durable-object'
import { describeStore } from '../../../packages/gateway/src/stores/conformance/suite.ts'
import { conditions } from './worker.ts'

describeStore({
  name: 'Durable Objects',
  noticesClockSteps: false,
  readsClosed: false,
  runs: 15,
  async open(clock) {
    conditions.clock = clock.wall
    return {
      store: createDurableObjectStore(env.ACCOUNTS),
      async sweep(accountIds) {
        for (const id of accountIds) await runDurableObjectAlarm(env.ACCOUNTS.getByName(id))
      },
      close: async () => {},
    }
  },
})
