/** The two ways to ask: straight from the browser, and through this app's server route. */
import OpenAI from 'openai'
import { refusalOf, SignedOut } from './account.ts'
import { FAREGATE_URL } from './settings.ts'

/** What an answer cost and what is left, in credits; the gateway adds it to the stream's last usage. */
export type Receipt = { creditsCharged: number | string; creditsAvailable: number | string }

/** A question and what is to be told while its answer comes. */
export type Question = {
  prompt: string
  model: string
  getToken: () => Promise<string | null>
  signal: AbortSignal
  onText: (text: string) => void
}

/** The SDK, straight at the gateway. The key lives a minute and opens only its owner's account. */
export function createClient(getToken: Question['getToken']): OpenAI {
  return new OpenAI({
    apiKey: async () => {
      const token = await getToken()
      if (!token) throw new SignedOut()
      return token
    },
    baseURL: FAREGATE_URL,
    dangerouslyAllowBrowser: true,
    // A refusal is shown at once; retrying would wait out its retry-after in silence.
    maxRetries: 0,
  })
}

/** Asks from the browser. Gives the receipt, if the gateway sent one. */
export async function askFromBrowser(question: Question): Promise<Receipt | undefined> {
  const { prompt, model, getToken, signal, onText } = question
  const stream = await createClient(getToken).chat.completions.create(
    {
      model,
      messages: [{ role: 'user', content: prompt }],
      stream: true,
      stream_options: { include_usage: true },
    },
    { signal },
  )
  let receipt: Receipt | undefined
  for await (const chunk of stream) {
    const text = chunk.choices[0]?.delta.content
    if (text) onText(text)
    receipt = receiptOf(chunk.usage) ?? receipt
  }
  return receipt
}

function receiptOf(usage: unknown): Receipt | undefined {
  if (typeof usage !== 'object' || usage === null || !('faregate' in usage)) return undefined
  // The SDK passes fields that it does not know through untyped; design of the contract: usage.faregate.
  return usage.faregate as Receipt
}

/** Asks through `app/api/chat/route.ts`, which answers plain text as it comes. */
export async function askThroughRoute({ prompt, model, signal, onText }: Question): Promise<undefined> {
  const response = await fetch('/api/chat', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: prompt }] }),
    signal,
  })
  if (!response.ok || !response.body) throw await refusalOf(response)
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) onText(text)
}
