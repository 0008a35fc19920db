import { expect, it } from 'vitest'
import { averageMessage, messagesLeft } from './price.ts'

const usual = averageMessage([])
const price = { creditsPerMillionInputTokens: 100, creditsPerMillionOutputTokens: 400, creditsPerRequest: 0 }

it('takes 400 tokens each way until the account has an average of its own', () => {
  expect(usual).toEqual({ inputTokens: 400, outputTokens: 400 })
  expect(
    averageMessage([
      { model: 'a', requests: 1, inputTokens: 100, outputTokens: 10, credits: 1 },
      { model: 'b', requests: 3, inputTokens: 300, outputTokens: 70, credits: 1 },
    ]),
  ).toEqual({ inputTokens: 100, outputTokens: 20 })
})

it.each([
  [12, 'about 60 messages left'],
  [246.9, 'about 1,200 messages left'],
  [0.2, 'about 1 message left'],
  [0.19, 'no message left'],
  [0, 'no message left'],
])('%d credits at 0.2 a message are %s', (available, words) => {
  expect(messagesLeft(price, usual, available)).toBe(words)
})

it('knows free models, models by the request, and when it knows nothing', () => {
  const none = { creditsPerMillionInputTokens: 0, creditsPerMillionOutputTokens: 0, creditsPerRequest: 0 }
  expect(messagesLeft(none, usual, 0)).toBe('free')
  expect(messagesLeft({ ...none, creditsPerRequest: 4 }, usual, 10)).toBe('about 2 messages left')
  expect(messagesLeft({ ...none, creditsPerMinuteOfAudio: 0.6 }, usual, 10)).toBeUndefined()
  expect(messagesLeft(undefined, usual, 10)).toBeUndefined()
  expect(messagesLeft(price, usual, undefined)).toBeUndefined()
})
