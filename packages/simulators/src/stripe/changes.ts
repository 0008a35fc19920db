/** What an event says about what was there before. */

/** The earlier values of the fields that differ, as `previous_attributes` wants them. */
export function changesOf(before: object, after: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(before).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(Reflect.get(after, name)),
    ),
  )
}
