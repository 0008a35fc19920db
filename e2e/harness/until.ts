/** Waiting on a condition, with a bound: the only kind of waiting that these tests do. */

/** Polls until `condition` gives something truthy, and returns it. Throws, naming `what`, after `timeoutMs`. */
export async function until<T>(
  what: string,
  timeoutMs: number,
  condition: () => T | Promise<T>,
): Promise<NonNullable<T>> {
  const end = performance.now() + timeoutMs
  for (;;) {
    const value = await condition()
    if (value) return value
    if (performance.now() > end)
      throw new Error(`It did not come to pass within ${timeoutMs} ms that ${what}.`)
    await new Promise((done) => setTimeout(done, 20))
  }
}
