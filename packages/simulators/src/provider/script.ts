/**
 * What a scripted provider does with one request. The request itself carries its script, so that requests in
 * flight together never disturb each other: the last user message's text is a JSON object
 * `{ "script": { … }, "key": "name of this request" }`. Any other text means a small well-behaved answer.
 */

/** A tool call (or legacy function call) that the model "makes". `arguments` is JSON text, sent as it is. */
export type ScriptedCall = Readonly<{ id?: string; name: string; arguments: string }>

/** Every field is optional; `{}` is a plain answer of 20 tokens. All durations in milliseconds. */
export type Script = Readonly<{
  /** Any status but 200 answers a plain refusal: `body`, or OpenAI's error object for that status. */
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
  /** The model named in the answer; by default the one asked for. */
  model?: string
  /** The tier named in the answer. */
  serviceTier?: string

  /** By default the request's bytes / 4, rounded up. */
  promptTokens?: number
  /** A subset of `promptTokens`. */
  cachedTokens?: number
  /** A subset of `promptTokens`. */
  cacheWriteTokens?: number
  /** Per choice, reasoning included, before the request's cap. By default 20, or the content's bytes / 4. */
  completionTokens?: number
  /** Per choice; the part of `completionTokens` that is thought and never sent. */
  reasoningTokens?: number
  /** Ignores the request's cap: sends `completionTokens`, by default twice the cap. */
  beyondCap?: boolean

  /** No usage at all. */
  noUsage?: boolean
  /** Sent as `usage`; a string is raw JSON text (`'{"prompt_tokens":NaN}'`). The bill stays right. */
  usage?: unknown

  /** Content chunks per choice of a stream. By default 5. */
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
  /** Ends the stream properly at `mid`: no finish_reason, no usage, no [DONE]. */
  cutShort?: boolean
  /** Sends `data: {"error": …}` at `mid` and ends the stream. */
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

/** The fields of a chat request that this simulator looks at. */
export type ChatBody = Readonly<{
  model?: unknown
  messages?: unknown
  stream?: unknown
  stream_options?: unknown
  max_completion_tokens?: unknown
  max_tokens?: unknown
  n?: unknown
  user?: unknown
  safety_identifier?: unknown
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

/** The script and the key in a request's last user message; an empty script where there is none. */
export const readScript = (body: ChatBody): { script: Script; key?: string } => {
  const text = lastText(body.messages)
  if (!text.trimStart().startsWith('{')) return { script: {} }
  try {
    const parsed: unknown = JSON.parse(text)
    if (!isRecord(parsed)) return { script: {} }
    // The one trusted cast here: scripts are written by our own tests.
    const script = (isRecord(parsed.script) ? parsed.script : {}) as Script
    return { script, ...(typeof parsed.key === 'string' ? { key: parsed.key } : {}) }
  } catch {
    return { script: {} }
  }
}
