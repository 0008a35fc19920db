/**
 * A chat route on the server, written with the AI SDK: the user's own session token is the key, so the user's own
 * credits pay. The page could as well call the gateway itself, see `lib/ask-from-browser.ts`.
 */
import { createOpenAI } from '@ai-sdk/openai'
import { auth } from '@clerk/nextjs/server'
import {
  APICallError,
  convertToModelMessages,
  createUIMessageStreamResponse,
  isStepCount,
  jsonSchema,
  streamText,
  tool,
  toUIMessageStream,
  type UIMessage,
} from 'ai'
import { admissionOf } from '../../../lib/answer-event.ts'
import type { RouteError, RouteMetadata } from '../../../lib/ask-through-route.ts'
import { secondsOf } from '../../../lib/refused.ts'
import { FAREGATE_URL } from '../../../lib/settings.ts'
import { currentWeather, WEATHER_DESCRIPTION, WEATHER_PARAMETERS } from '../../../lib/weather.ts'

/** How often the model may call functions before it has to answer. */
const STEPS_MAX = 4

const tools = {
  get_current_weather: tool({
    description: WEATHER_DESCRIPTION,
    inputSchema: jsonSchema<unknown>(WEATHER_PARAMETERS),
    execute: async (input) => currentWeather(input),
  }),
}

export async function POST(request: Request): Promise<Response> {
  const { getToken } = await auth()
  const token = await getToken()
  if (!token) return refuse(401, 'signed_out', 'You are signed out.')
  const asked: { model: string; messages: UIMessage[] } = await request.json()

  let latest: RouteMetadata | undefined
  const openai = createOpenAI({
    apiKey: token,
    baseURL: `${process.env.FAREGATE_URL || FAREGATE_URL}/v1`,
    // The page looks up by these what each request cost.
    fetch: async (...call) => {
      const response = await fetch(...call)
      latest = metadataOf(response.headers)
      return response
    },
  })
  const result = streamText({
    model: openai.chat(asked.model),
    messages: await convertToModelMessages(asked.messages, { ignoreIncompleteToolCalls: true }),
    tools,
    stopWhen: isStepCount(STEPS_MAX),
    // A refusal is shown at once, and each retry would be a request that is paid for.
    maxRetries: 0,
    streamRetries: 0,
    abortSignal: request.signal,
    // The page says what went wrong.
    onError: () => {},
  })
  return createUIMessageStreamResponse({
    stream: toUIMessageStream<typeof tools, UIMessage<RouteMetadata>>({
      stream: result.stream,
      messageMetadata: ({ part }) => (part.type === 'start-step' ? latest : undefined),
      onError: (error) => JSON.stringify(errorOf(error)),
    }),
    headers: { 'cache-control': 'no-store' },
  })
}

function metadataOf(headers: Headers): RouteMetadata | undefined {
  const requestId = headers.get('x-request-id')
  const admission = admissionOf(headers)
  return requestId && admission ? { requestId, admission } : undefined
}

/** Passes a refusal of the gateway on as it was, so that the page can say what to do. */
function errorOf(error: unknown): RouteError {
  if (!APICallError.isInstance(error)) {
    return {
      status: 502,
      code: 'upstream_error',
      message: error instanceof Error ? error.message : 'It broke off.',
    }
  }
  if (error.statusCode === undefined) {
    return { status: 502, code: 'gateway_unreachable', message: 'The gateway does not answer.' }
  }
  const body: { error?: { code?: string; message?: string } } = parse(error.responseBody)
  const retryAfterSeconds = secondsOf(error.responseHeaders?.['retry-after'])
  return {
    status: error.statusCode,
    code: body.error?.code ?? '',
    message: body.error?.message ?? error.message,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  }
}

function parse(json: string | undefined): object {
  try {
    const value: unknown = JSON.parse(json ?? '')
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

function refuse(status: number, code: string, message: string): Response {
  return Response.json({ error: { message, type: 'invalid_request_error', code, param: null } }, { status })
}
