import { expect, test } from 'vitest'
import { createRecent } from './recent.ts'

test('it holds no more than its bound, and what was used last', () => {
  const recent = createRecent<number>(10)
  for (let index = 0; index < 100; index += 1) recent.set(String(index), index)
  const kept = Array.from({ length: 100 }, (_, index) => recent.get(String(index))).filter(
    (value) => value !== undefined,
  )
  expect(kept.length).toBeLessThanOrEqual(10)
  expect(recent.get('99')).toBe(99)
})

test('what is used again and again stays', () => {
  const recent = createRecent<number>(10)
  recent.set('kept', 1)
  for (let index = 0; index < 100; index += 1) {
    recent.set(String(index), index)
    expect(recent.get('kept')).toBe(1)
  }
  recent.clear()
  expect(recent.get('kept')).toBeUndefined()
})
