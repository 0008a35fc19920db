/** The code that people copy: both ways of calling a model with the user's login. */
import { FAREGATE_URL } from './settings.ts'

/** The change to an app that had OpenAI's key on its server. */
export const TWO_LINES = `  const openai = new OpenAI({
-   apiKey: process.env.OPENAI_API_KEY,
+   apiKey: await getToken(),
+   baseURL: '${FAREGATE_URL}/v1',
  })`

/** Straight from the browser. */
export function browserCode(model: string): string {
  return `import { useAuth } from '@clerk/nextjs'
import OpenAI from 'openai'

const { getToken } = useAuth()

const openai = new OpenAI({
  baseURL: '${FAREGATE_URL}/v1',
  // A fresh session token for every request: it lives a minute
  // and opens only its owner's account, so it may be in a browser.
  apiKey: async () => (await getToken()) ?? '',
  dangerouslyAllowBrowser: true,
})

const stream = await openai.chat.completions.create({
  model: '${model}',
  messages: [{ role: 'user', content: 'Hello' }],
  stream: true,
  stream_options: { include_usage: true },
})
for await (const chunk of stream) {
  console.log(chunk.choices[0]?.delta.content)
  // The last one has usage.faregate: { creditsCharged, creditsAvailable }
  if (chunk.usage) console.log(chunk.usage)
}`
}

/** Through a server route, with the AI SDK. */
export function routeCode(model: string): string {
  return `// app/api/chat/route.ts
import { createOpenAI } from '@ai-sdk/openai'
import { auth } from '@clerk/nextjs/server'
import {
  convertToModelMessages,
  createUIMessageStreamResponse,
  streamText,
  toUIMessageStream,
} from 'ai'

export async function POST(request: Request) {
  const { getToken } = await auth()
  const { messages } = await request.json()
  const openai = createOpenAI({
    baseURL: '${FAREGATE_URL}/v1',
    apiKey: (await getToken()) ?? '',
  })
  const { stream } = streamText({
    model: openai.chat('${model}'),
    messages: await convertToModelMessages(messages),
    maxRetries: 0,
    abortSignal: request.signal,
  })
  return createUIMessageStreamResponse({
    stream: toUIMessageStream({ stream }),
  })
}`
}
