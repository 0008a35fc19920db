/** Asks through `app/api/chat/route.ts`, which speaks the AI SDK's stream of UI messages. */
import { DefaultChatTransport, type UIMessage, type UIMessageChunk } from 'ai'
import type { Admission, AnswerEvent } from './answer-event.ts'
import type { Ask } from './ask-from-browser.ts'
import { toUiMessages } from './conversation.ts'
import { Refused, refusalOf } from './refused.ts'

/** What the route says of each request that it made to the gateway. */
export type RouteMetadata = { requestId: string; admission: Admission }

/** A refusal of the gateway, as the route passes it on inside of its stream. */
export type RouteError = { status: number; code: string; message: string; retryAfterSeconds?: number }

const transport = new DefaultChatTransport<UIMessage<RouteMetadata>>({
  api: '/api/chat',
  fetch: async (...request) => {
    const response = await fetch(...request)
    if (!response.ok) throw await refusalOf(response)
    return response
  },
})

/** The same events as from the browser; what it cost is looked up afterwards, as the AI SDK drops that. */
export async function* askThroughRoute({ messages, model, signal }: Ask): AsyncGenerator<AnswerEvent> {
  const stream = await transport.sendMessages({
    chatId: 'chat',
    messageId: undefined,
    trigger: 'submit-message',
    messages: toUiMessages(messages) as UIMessage<RouteMetadata>[],
    body: { model },
    abortSignal: signal,
  })
  for await (const chunk of chunksOf(stream)) {
    const event = eventOf(chunk)
    if (event) yield event
  }
  signal.throwIfAborted()
}

function eventOf(chunk: UIMessageChunk): AnswerEvent | undefined {
  switch (chunk.type) {
    case 'message-metadata':
      return { type: 'request', ...(chunk.messageMetadata as RouteMetadata) }
    case 'text-delta':
      return { type: 'text', text: chunk.delta }
    case 'tool-input-start':
      return { type: 'call', id: chunk.toolCallId, name: chunk.toolName }
    case 'tool-input-delta':
      return { type: 'arguments', id: chunk.toolCallId, text: chunk.inputTextDelta }
    case 'tool-output-available':
      return { type: 'result', id: chunk.toolCallId, result: JSON.stringify(chunk.output) }
    case 'tool-output-error':
      return { type: 'result', id: chunk.toolCallId, result: JSON.stringify({ error: chunk.errorText }) }
    case 'finish':
      return { type: 'end', reason: chunk.finishReason ?? 'stop' }
    case 'error':
      throw refusedOf(chunk.errorText)
    default:
      return undefined
  }
}

function refusedOf(errorText: string): Refused {
  const { status, code, message, retryAfterSeconds }: RouteError = JSON.parse(errorText)
  return new Refused(status, code, message, retryAfterSeconds)
}

/** Not every browser can iterate over a stream. */
async function* chunksOf<Chunk>(stream: ReadableStream<Chunk>): AsyncGenerator<Chunk> {
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    reader.cancel().catch(() => {})
  }
}
