/**
 * What a scripted provider does with one request. The request itself carries its script, so that requests in
 * flight together never disturb each other: the last user message's text (or an embedding's input, a prompt …)
 * is a JSON object `{ "script": { … }, "key": "name of this request" }`. `{ "steps": [ { … }, { … } ] }` has a
 * script for each turn of a conversation with tools. Any other text means a small well-behaved answer.
 */

/** A tool call (or legacy function call) that the model "makes". `arguments` is JSON text, sent as it is. */
export type ScriptedCall = Readonly<{ id?: string; name: string; arguments: string }>

export type ChatDialect = 'azure' | 'deepseek' | 'groq' | 'mistral' | 'ollama' | 'openrouter' | 'vllm' | 'xai'

/** Every field is optional; `{}` is a plain answer of 20 tokens. All durations in milliseconds. */
export type Script = Readonly<{
  /** Any status but 200 answers a plain refusal: `body`, or the wire's error object for that status. */
  status?: number
  /** Sent instead of an answer, whatever the status: a string as it is, anything else as JSON. */
  body?: unknown
  /** Overrides the `code` of the default error object, e.g. `insufficient_quota`. */
  errorCode?: string
  /** Added to the answer's headers, over the defaults. */
  headers?: Readonly<Record<string, string>>
  /** Answers 307 (or `status`) with this Location. */
  redirect?: string

  /** The answer's text, per choice. By default as many four-byte words as there are visible tokens. */
  content?: string
  refusal?: string
  toolCalls?: readonly ScriptedCall[]
  functionCall?: ScriptedCall
  /** Reasoning that is sent, where the wire has a field for it. Then no reasoning is hidden. */
  reasoningContent?: string
  /** The model named in the answer; by default the one asked for. */
  model?: string
  /** Whose accent a chat is answered in. By default OpenAI's own. */
  dialect?: ChatDialect
  /** The tier named in the answer. */
  serviceTier?: string

  /** By default the request's bytes / 4, rounded up. */
  promptTokens?: number
  /** A subset of `promptTokens`, as all input figures to come; they do not overlap. */
  cachedTokens?: number
  cacheWriteTokens?: number
  /** Written to a cache that is kept longer than usual. */
  longCacheWriteTokens?: number
  audioInputTokens?: number
  cachedAudioInputTokens?: number
  imageInputTokens?: number
  /** Per choice, reasoning included, before the request's cap. By default 20, or the content's bytes / 4. */
  completionTokens?: number
  /**
   * Per choice; the part of `completionTokens` that is thought, and never sent unless `reasoningContent` is
   * given. By default that text's bytes / 4.
   */
  reasoningTokens?: number
  /** Per choice; a subset of `completionTokens`. */
  audioOutputTokens?: number
  /** Per choice; a subset of `completionTokens`. */
  imageOutputTokens?: number
  /** Calls of tools that the provider itself runs, where the wire shows them. */
  toolCallsRun?: number
  /** The length of the audio sent, where that is what is billed. */
  audioSeconds?: number
  /** Ignores the request's cap: sends `completionTokens`, by default twice the cap. */
  beyondCap?: boolean

  /** No usage at all. */
  noUsage?: boolean
  /** Sent as `usage`; a string is raw JSON text (`'{"prompt_tokens":NaN}'`). The bill stays right. */
  usage?: unknown

  /** Content chunks per choice of a stream, and of bytes. By default 5. */
  chunks?: number
  chunkDelayMs?: number
  /** Between a stream's headers and its first chunk. The hidden reasoning happens in this time. */
  firstChunkDelayMs?: number
  /** Before the headers; of a buffered answer, the reasoning happens in this time. */
  headersDelayMs?: number
  /** Where `mid` is, in content chunks already sent. By default half of them. */
  afterChunks?: number
  /** Says nothing more, until the client leaves. */
  hang?: 'headers' | 'mid'
  /** Resets the connection. */
  reset?: 'beforeHeaders' | 'mid'
  /** Ends the stream properly at `mid`: no finish reason, no usage, nothing that closes it. */
  cutShort?: boolean
  /** Sends the wire's error event at `mid` and ends the stream. */
  errorEvent?: boolean

  /** A buffered answer whose JSON is cut off, with a matching content-length. */
  badJson?: boolean
  /** At `mid`: a data line that is not JSON, or these bytes. */
  badSse?: boolean | string
  /** At `mid`: one chunk whose line is at least this many bytes; a buffered answer grows by as many. */
  longLine?: number
  /** Compresses the answer although it was not asked to. `bomb`: 64 MiB of spaces in some 64 KiB. */
  gzip?: boolean | 'bomb'
  /** Writes a stream's bytes in pieces of this many. */
  splitEvery?: number

  /** A request that is cut is billed as if it had been answered whole, as some providers do. */
  billsInFull?: boolean
}>

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The text of the last message of that role (of a list of parts: of its first text), or ''. */
export const lastText = (messages: unknown, role = 'user'): string => {
  if (!Array.isArray(messages)) return ''
  const last: unknown = messages.findLast((message: unknown) => isRecord(message) && message.role === role)
  const content = isRecord(last) ? last.content : undefined
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  const part: unknown = content.find((item: unknown) => isRecord(item) && typeof item.text === 'string')
  return isRecord(part) && typeof part.text === 'string' ? part.text : ''
}

/** A script, and the name of the request that carries it. */
export type GivenScript = Readonly<{ script: Script; key?: string }>

/** The script and the key in a text; an empty script where there is none. Of steps, the one after so many results. */
export const scriptFrom = (text: string, toolResults = 0): GivenScript => {
  if (!text.trimStart().startsWith('{')) return { script: {} }
  try {
    const parsed: unknown = JSON.parse(text)
    if (!isRecord(parsed)) return { script: {} }
    const steps: unknown[] = Array.isArray(parsed.steps) ? parsed.steps : [parsed.script]
    const step = steps[Math.min(toolResults, steps.length - 1)]
    // The one trusted cast here: scripts are written by our own tests.
    const script = (isRecord(step) ? step : {}) as Script
    return { script, ...(typeof parsed.key === 'string' ? { key: parsed.key } : {}) }
  } catch {
    return { script: {} }
  }
}

/** What a user's message says: its text, or of its parts the first that may be a script, else the first text. */
const saidIn = (message: unknown): string => {
  if (!isRecord(message)) return ''
  const ofUser = message.role === 'user' || (message.role === undefined && Array.isArray(message.parts))
  const content = ofUser ? (message.content ?? message.parts) : ''
  if (typeof content === 'string') return content
  const parts: unknown[] = Array.isArray(content) ? content : []
  const texts = parts.flatMap((part) => (isRecord(part) && typeof part.text === 'string' ? [part.text] : []))
  return texts.find((text) => text.trimStart().startsWith('{')) ?? texts[0] ?? ''
}

/**
 * The script in the last user message that has a text, of a conversation on any wire: messages with `content`,
 * Gemini's with `parts`, or a bare string. `resultsIn` counts the tool results in one of the messages that follow
 * it, which choose among its steps.
 */
export const readScript = (
  messages: unknown,
  resultsIn: (message: Record<string, unknown>) => number,
): GivenScript => {
  if (typeof messages === 'string') return scriptFrom(messages)
  const list: unknown[] = Array.isArray(messages) ? messages : []
  const at = list.findLastIndex((message) => saidIn(message) !== '')
  const results = list.slice(at + 1).map((message) => (isRecord(message) ? resultsIn(message) : 0))
  return scriptFrom(
    saidIn(list[at]),
    results.reduce((sum, some) => sum + some, 0),
  )
}
