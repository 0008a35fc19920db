/** A chat route on the server: the user's own session token is the key, so the user's own credits pay. */
import { auth } from '@clerk/nextjs/server'
import OpenAI from 'openai'
import type {
  ChatCompletionCreateParams,
  ChatCompletionMessageParam,
} from 'openai/resources/chat/completions'
import { describeWeather } from '../../../lib/weather.ts'

const functions: ChatCompletionCreateParams.Function[] = [
  {
    name: 'get_current_weather',
    description: 'Get the current weather in a given place',
    parameters: {
      type: 'object',
      properties: {
        location: { type: 'string', description: 'The city and country, e.g. London, UK' },
        unit: { type: 'string', enum: ['celsius', 'fahrenheit'] },
      },
      required: ['location'],
    },
  },
]

/** How often the model may call a function before it has to answer. */
const FUNCTION_CALLS_MAX = 3

type Conversation = { model: string; messages: ChatCompletionMessageParam[] }
type Answer = AsyncIterable<OpenAI.Chat.Completions.ChatCompletionChunk>

export async function POST(request: Request): Promise<Response> {
  const { getToken } = await auth()
  const token = await getToken()
  if (!token) return refuse(401, 'signed_out', 'You are signed out.')
  const { model, messages }: Conversation = await request.json()

  const openai = new OpenAI({
    apiKey: token,
    baseURL: process.env.FAREGATE_URL ?? process.env.NEXT_PUBLIC_FAREGATE_URL ?? 'http://localhost:8080',
  })
  const ask = (conversation: ChatCompletionMessageParam[]): Promise<Answer> =>
    openai.chat.completions.create(
      { model, messages: conversation, functions, stream: true },
      // The page shows a refusal at once; retrying would wait out its retry-after in silence.
      { signal: request.signal, maxRetries: 0 },
    )

  try {
    const first = await ask(messages)
    return new Response(toByteStream(answerInText(first, messages, ask)), {
      headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
    })
  } catch (error) {
    return refusalFrom(error)
  }
}

/** The answer's text as it comes; where the model calls a function instead, calls it and asks on. */
async function* answerInText(
  first: Answer,
  messages: ChatCompletionMessageParam[],
  ask: (conversation: ChatCompletionMessageParam[]) => Promise<Answer>,
): AsyncGenerator<string> {
  let answer = first
  let conversation = messages
  for (let calls = 0; calls <= FUNCTION_CALLS_MAX; calls++) {
    const called = { name: '', arguments: '' }
    for await (const chunk of answer) {
      const delta = chunk.choices[0]?.delta
      if (delta?.content) yield delta.content
      called.name += delta?.function_call?.name ?? ''
      called.arguments += delta?.function_call?.arguments ?? ''
    }
    if (called.name !== 'get_current_weather' || calls === FUNCTION_CALLS_MAX) return
    conversation = [
      ...conversation,
      { role: 'assistant', content: null, function_call: called },
      { role: 'function', name: called.name, content: describeWeather(called.arguments) },
    ]
    answer = await ask(conversation)
  }
}

function toByteStream(text: AsyncGenerator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream({
    pull: async (controller) => {
      const { done, value } = await text.next()
      if (done) controller.close()
      else controller.enqueue(encoder.encode(value))
    },
    cancel: async () => {
      await text.return(undefined)
    },
  })
}

/** Passes a refusal of the gateway on as it was, so that the page can say what to do. */
function refusalFrom(error: unknown): Response {
  if (error instanceof OpenAI.APIConnectionError) {
    return refuse(502, 'gateway_unreachable', 'The gateway does not answer.')
  }
  if (error instanceof OpenAI.APIError && error.status !== undefined) {
    const retryAfter = error.headers?.get('retry-after')
    return Response.json(
      { error: error.error },
      { status: error.status, headers: retryAfter ? { 'retry-after': retryAfter } : {} },
    )
  }
  throw error
}

function refuse(status: number, code: string, message: string): Response {
  return Response.json({ error: { message, type: 'invalid_request_error', code, param: null } }, { status })
}
