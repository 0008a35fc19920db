/** What can be refused returns a `Result`; what must not happen throws through `assert`. */

export type Result<T, E> = { ok: true; value: T } | { ok: false; error: E }

/** Wraps a value that was accepted. */
export function ok<T>(value: T): { ok: true; value: T } {
  return { ok: true, value }
}

/** Wraps the reason for a refusal. */
export function err<E>(error: E): { ok: false; error: E } {
  return { ok: false, error }
}

/** Throws when a programmer's assumption is broken; fails the one request (500), never the process. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`)
}
