/** Chance that depends on a seed alone, so that a run can be had again. */
import { randomFrom } from '../harness/load.ts'

export type Random = {
  /** A whole number from 0 up to, and without, `most`. */
  below(most: number): number
  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number
  /** True in so many of a hundred. */
  percent(of: number): boolean
  /** One of these. */
  one<T>(items: readonly [T, ...T[]]): T
}

export function seededRandom(seed: number): Random {
  const next = randomFrom(seed)
  const below = (most: number) => Math.floor(next() * most)
  return {
    below,
    between: (least, most) => least + below(most - least + 1),
    percent: (of) => below(100) < of,
    one: (items) => items[below(items.length)] ?? items[0],
  }
}
