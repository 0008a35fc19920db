import { expect, test } from 'vitest'
import { StoreUnavailable } from '../ports.ts'
import { createGroupCommit, type GroupCommitOptions } from './group-commit.ts'

/** A queue whose groups run when the test says so. */
function manual(options: Partial<GroupCommitOptions> = {}) {
  const scheduled: (() => void)[] = []
  const queue = createGroupCommit({
    transaction: (work) => work(),
    isBusy: () => false,
    isConflict: () => false,
    schedule: (run) => scheduled.push(run),
    ...options,
  })
  const turn = () => scheduled.shift()?.()
  return { queue, turn, scheduled }
}

test('what is queued within a turn commits as one, and later tasks make the next group', async () => {
  let commits = 0
  const { queue, turn, scheduled } = manual({
    transaction(work) {
      work()
      commits += 1
    },
  })
  const first = [1, 2, 3].map((value) => queue.enqueue(() => value))
  expect(scheduled).toHaveLength(1)
  turn()
  expect(await Promise.all(first)).toEqual([1, 2, 3])
  const next = queue.enqueue(() => 4)
  turn()
  expect([await next, commits]).toEqual([4, 2])
})

test('a group has a bound, and the rest follows in the next turns', async () => {
  const { queue, turn } = manual({ groupMax: 2 })
  const done: number[] = []
  const tasks = [1, 2, 3, 4, 5].map((value) => queue.enqueue(() => done.push(value)))
  const sizes = [0, 0, 0].map(() => {
    turn()
    return done.length
  })
  await Promise.all(tasks)
  expect(sizes).toEqual([2, 4, 5])
  await queue.drained()
})

test('a queue that is full refuses at once', async () => {
  const { queue, turn } = manual({ queueMax: 2 })
  const accepted = [1, 2].map((value) => queue.enqueue(() => value))
  await expect(queue.enqueue(() => 3)).rejects.toThrow(StoreUnavailable)
  turn()
  expect(await Promise.all(accepted)).toEqual([1, 2])
})

test('answers wait for the commit', async () => {
  const order: string[] = []
  const { queue, turn } = manual({
    transaction(work) {
      work()
      order.push('commit')
    },
  })
  const answered = queue.enqueue(() => order.push('decide')).then(() => order.push('answer'))
  turn()
  await answered
  expect(order).toEqual(['decide', 'commit', 'answer'])
})

test('when one of a group conflicts each is tried alone', async () => {
  const conflict = new Error('conflict')
  let bad = false
  const { queue, turn } = manual({
    isConflict: (error) => error === conflict,
    transaction(work) {
      bad = false
      work()
      if (bad) throw conflict
    },
  })
  const tasks = ['a', 'bad', 'c'].map((name) =>
    queue.enqueue(() => {
      bad ||= name === 'bad'
      return name
    }),
  )
  turn()
  const results = await Promise.allSettled(tasks)
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})
