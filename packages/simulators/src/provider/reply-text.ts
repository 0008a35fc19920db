/**
 * What the friendly model writes: text of its own for a few kinds of question, so that a chat page can be seen with
 * code, a table, a long answer and the result of a function; for anything else an echo.
 */
import { isRecord } from './script.ts'

const ECHO_CHARACTERS_MAX = 200

const shorten = (text: string): string =>
  text.length > ECHO_CHARACTERS_MAX ? `${text.slice(0, ECHO_CHARACTERS_MAX)}…` : text

const CODE = `Here is one. This model is **simulated**, so whatever you ask for, the code is always this:

\`\`\`ts
/** Groups the items of a list by a key that is computed for each. */
export function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string) {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const key = keyOf(item)
    groups.set(key, [...(groups.get(key) ?? []), item])
  }
  return groups
}
\`\`\`

- \`groupBy(words, (word) => word[0] ?? '')\` groups words by their first letter.
- The order of the items is kept in each group.`

const TABLE = `A simulated comparison, always the same:

| Way to pay | Who holds the key | What it costs to leave |
| --- | --- | --- |
| A key for each user | the user | a new key everywhere |
| One key on a server | the developer | rate limits shared by all |
| The login as the key | nobody | nothing: it lives a minute |

The last row is what you are using **now**.`

const PARAGRAPHS = [
  `A fare gate stands where two worlds meet. On one side everybody may walk; on the other every seat costs money. It
   does not ask who you are in words. It looks at what you carry, decides in the time of a step, and lets you through
   or tells you what is missing.`,
  `The gate must never be wrong in either direction. If it opens without a fare, somebody else pays. If it stays shut
   although the fare was paid, nobody uses it again. So it first sets the dearest fare aside, and gives back what the
   ride did not use.`,
  `A model is such a ride. Nobody knows beforehand how long an answer will be, only how long it can be at most. That
   much is held while the words come, and what was written is charged when they end, however they end.`,
  `And a ticket that lives for a minute is a good ticket. Whoever finds it on the floor finds a piece of paper. It names
   its owner and nobody else, so it can be carried in the open: in a pocket, in a browser, in a phone. A key that lives
   for years has to be hidden, and what has to be hidden is found one day.`,
  `When the purse is nearly empty, the gate does not wait for the accident. It counts how far the rest still goes, says
   so before the ride, and lets the passenger choose: a shorter way, another train, or a little more in the purse. A
   ride that is refused at the gate is an annoyance; one that ends between two stations is a story.`,
  `At the end of the day somebody counts. What was put in must be what is left and what was spent, to the smallest coin,
   for every passenger. It is dull work, and the whole thing stands on it.`,
]

const HEADINGS = ['The gate', 'The fare', 'The ride', 'The ticket', 'The purse', 'The count']

const LONG = [
  '## A long answer from the simulated model',
  ...PARAGRAPHS.flatMap((paragraph, index) => [
    `### ${index + 1}. ${HEADINGS[index] ?? ''}`,
    paragraph.replaceAll(/\s+/g, ' '),
    ...(index === 1 ? ['1. Set aside the most.\n2. Let through.\n3. Charge what was used.'] : []),
  ]),
].join('\n\n')

/** Text that the model has ready for a kind of question. */
const READY: readonly (readonly [RegExp, string])[] = [
  [/\b(code|function|typescript|javascript|python|snippet|program)\b/i, CODE],
  [/\b(table|compare|comparison)\b/i, TABLE],
  [/\b(long|essay|story|in detail|at length)\b/i, LONG],
]

/** The answer to a prompt. */
export const answerTo = (prompt: string): string => {
  const ready = READY.find(([kind]) => kind.test(prompt))
  if (ready) return ready[1]
  return [
    `Hello from the simulated model. You wrote: "${shorten(prompt.replaceAll(/\s+/g, ' ').trim())}".`,
    'A real model would answer that properly; this one costs nothing and needs no key.',
    'The credits that you see go down are counted exactly as they would be for the real one.',
  ].join(' ')
}

/** What the model makes of a function's result: a sentence, where it is weather. */
export const answerFromResult = (result: string): string => {
  const { location, temperature, unit, conditions } = fieldsOf(result)
  if (typeof location === 'string' && typeof temperature === 'number') {
    const degrees = `${temperature} °${unit === 'fahrenheit' ? 'F' : 'C'}`
    return `It is **${degrees}** in ${location}${typeof conditions === 'string' ? `, with ${conditions}` : ''}.`
  }
  return `I looked it up for you. The function answered: ${shorten(result)}`
}

const fieldsOf = (json: string): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(json)
    return isRecord(value) ? value : {}
  } catch {
    return {}
  }
}
