/** Asks straight from the browser: OpenAI's SDK, with the user's session token as its key. */
import OpenAI from 'openai'
import type {
  ChatCompletionMessageFunctionToolCall,
  ChatCompletionMessageParam,
} from 'openai/resources/chat/completions'
import { type AnswerEvent, admissionOf } from './answer-event.ts'
import type { Receipt } from './contract.ts'
import { type Message, toOpenAiMessages } from './conversation.ts'
import type { GetToken } from './gateway.ts'
import { SignedOut } from './refused.ts'
import { FAREGATE_URL } from './settings.ts'
import { currentWeather, WEATHER_DESCRIPTION, WEATHER_PARAMETERS, WEATHER_TOOL } from './weather.ts'

/** What is asked, and with whose token. */
export type Ask = { messages: Message[]; model: string; getToken: GetToken; signal: AbortSignal }

/** How often the model may call functions before it has to answer. */
const ROUNDS_MAX = 4

const tools = [
  {
    type: 'function' as const,
    function: { name: WEATHER_TOOL, description: WEATHER_DESCRIPTION, parameters: WEATHER_PARAMETERS },
  },
]

/** The SDK, straight at the gateway. The key lives a minute and opens only its owner's account. */
export function createClient(getToken: GetToken): OpenAI {
  return new OpenAI({
    apiKey: async () => {
      const token = await getToken()
      if (!token) throw new SignedOut()
      return token
    },
    baseURL: `${FAREGATE_URL}/v1`,
    dangerouslyAllowBrowser: true,
    // A refusal is shown at once; retrying would wait out its retry-after in silence.
    maxRetries: 0,
  })
}

/** Asks, runs the functions that the model calls, and asks on until it has answered. */
export async function* askFromBrowser({
  messages,
  model,
  getToken,
  signal,
}: Ask): AsyncGenerator<AnswerEvent> {
  const client = createClient(getToken)
  const conversation = toOpenAiMessages(messages)
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const { text, calls } = yield* askOnce(client, {
      model,
      conversation,
      signal,
      mayCall: round < ROUNDS_MAX,
    })
    if (calls.length === 0) return
    conversation.push({ role: 'assistant', content: text, tool_calls: calls })
    for (const call of calls) {
      const result = run(call)
      yield { type: 'result', id: call.id, result }
      conversation.push({ role: 'tool', tool_call_id: call.id, content: result })
    }
  }
}

type Once = {
  model: string
  conversation: ChatCompletionMessageParam[]
  signal: AbortSignal
  mayCall: boolean
}

/** One request; gives what the model said and which calls it made. */
async function* askOnce(
  client: OpenAI,
  { model, conversation, signal, mayCall }: Once,
): AsyncGenerator<AnswerEvent, { text: string; calls: ChatCompletionMessageFunctionToolCall[] }> {
  const { data: stream, response } = await client.chat.completions
    .create(
      {
        model,
        messages: conversation,
        tools,
        ...(!mayCall && { tool_choice: 'none' as const }),
        stream: true,
        stream_options: { include_usage: true },
      },
      { signal },
    )
    .withResponse()
  yield* requestOf(response)
  const calls: ChatCompletionMessageFunctionToolCall[] = []
  let said = ''
  for await (const { choices, usage } of stream) {
    const choice = choices[0]
    if (choice?.delta.content) {
      said += choice.delta.content
      yield { type: 'text', text: choice.delta.content }
    }
    for (const delta of choice?.delta.tool_calls ?? []) {
      let call = calls[delta.index]
      if (!call) {
        call = {
          id: delta.id ?? `call_${delta.index}`,
          type: 'function',
          function: { name: delta.function?.name ?? '', arguments: '' },
        }
        calls[delta.index] = call
        yield { type: 'call', id: call.id, name: call.function.name }
      }
      const text = delta.function?.arguments ?? ''
      call.function.arguments += text
      if (text) yield { type: 'arguments', id: call.id, text }
    }
    if (choice?.finish_reason) yield { type: 'end', reason: choice.finish_reason }
    const receipt = receiptOf(usage)
    if (receipt) yield { type: 'receipt', receipt }
  }
  // The SDK ends a stream that was stopped as if it were whole.
  signal.throwIfAborted()
  return { text: said, calls }
}

function* requestOf({ headers }: Response): Generator<AnswerEvent> {
  const requestId = headers.get('x-request-id')
  const admission = admissionOf(headers)
  if (requestId && admission) yield { type: 'request', requestId, admission }
}

function run(call: ChatCompletionMessageFunctionToolCall): string {
  if (call.function.name !== WEATHER_TOOL) return JSON.stringify({ error: 'There is no such function.' })
  try {
    return JSON.stringify(currentWeather(JSON.parse(call.function.arguments)))
  } catch {
    return JSON.stringify({ error: 'The arguments are not JSON.' })
  }
}

/** The SDK passes fields that it does not know through untyped; the contract says what `usage.faregate` is. */
function receiptOf(usage: unknown): Receipt | undefined {
  if (typeof usage !== 'object' || usage === null || !('faregate' in usage)) return undefined
  return usage.faregate as Receipt
}
