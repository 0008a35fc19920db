/** A stand-in for what a Durable Object's runtime brings, for tests that look into it. */
import { DatabaseSync } from 'node:sqlite'
import type { ObjectStorage } from '../durable-object.ts'

/** An object's storage over `node:sqlite`, with an alarm that is only written down. */
export function fakeStorage() {
  const database = new DatabaseSync(':memory:')
  const alarm = { at: null as number | null, sets: 0, fails: false }
  const storage: ObjectStorage = {
    sql: {
      exec: (query, ...bindings) => ({ toArray: () => database.prepare(query).all(...bindings) }),
    },
    transactionSync(work) {
      database.exec('BEGIN')
      try {
        const value = work()
        database.exec('COMMIT')
        return value
      } catch (error) {
        database.exec('ROLLBACK')
        throw error
      }
    },
    getAlarm: async () => alarm.at,
    async setAlarm(time) {
      if (alarm.fails) throw new Error('no alarm today')
      alarm.at = time
      alarm.sets += 1
    },
  }
  return { database, storage, alarm }
}
