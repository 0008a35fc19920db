/** What the friendly model says: canned, but about what it was asked, and with tokens that fit its size. */
import { answerFromResult, answerTo } from './reply-text.ts'
import { isRecord, lastText } from './script.ts'

/** A chat request as the mock hands it over; all fields still unchecked. */
export type ReplyRequest = Readonly<Record<string, unknown>>

/** What the model answers: text, or a call of one of the caller's functions. */
export type Reply =
  | Readonly<{ content: string; finishReason: 'stop' | 'length'; usage: ReplyUsage }>
  | Readonly<{ toolCalls: { name: string; arguments: string }[]; usage: ReplyUsage }>

type ReplyUsage = Readonly<{ prompt_tokens: number; completion_tokens: number }>
type FunctionDefinition = Readonly<{ name: string; parameters: unknown }>

const CHARACTERS_PER_TOKEN = 4

const tokensOf = (text: string): number => Math.max(1, Math.ceil(text.length / CHARACTERS_PER_TOKEN))

/** The functions a request offers, in the form of `tools` or of the older `functions`. */
const offered = (request: ReplyRequest): FunctionDefinition[] => {
  const tools = Array.isArray(request.tools)
    ? request.tools.map((tool: unknown) => (isRecord(tool) ? tool.function : null))
    : []
  const functions: unknown[] = Array.isArray(request.functions) ? request.functions : []
  return [...tools, ...functions].flatMap((item) =>
    isRecord(item) && typeof item.name === 'string' ? [{ name: item.name, parameters: item.parameters }] : [],
  )
}

/** The function that the request insists on by `tool_choice` or `function_call`, if any. */
const insistedOn = (request: ReplyRequest): string | undefined => {
  const choice = request.tool_choice ?? request.function_call
  if (!isRecord(choice)) return undefined
  const named = isRecord(choice.function) ? choice.function : choice
  return typeof named.name === 'string' ? named.name : undefined
}

const chosenFunction = (request: ReplyRequest): FunctionDefinition | undefined => {
  const choice = request.tool_choice ?? request.function_call
  if (choice === 'none') return undefined
  const functions = offered(request)
  const insisted = insistedOn(request)
  if (insisted !== undefined) return functions.find((item) => item.name === insisted)
  if (choice === 'required') return functions[0]
  const isAbout = (text: string) => /weather|forecast|temperature/i.test(text)
  return isAbout(lastText(request.messages)) ? functions.find((item) => isAbout(item.name)) : undefined
}

/** "Paris" of "What is the weather in Paris?". */
const placeIn = (prompt: string): string =>
  /\b(?:in|for|at)\s+(\p{Lu}[\p{L}'-]*(?:\s\p{Lu}[\p{L}'-]*)*)/u.exec(prompt)?.[1] ?? 'Paris'

const argumentFor = (schema: unknown, prompt: string): unknown => {
  if (!isRecord(schema)) return placeIn(prompt)
  if (Array.isArray(schema.enum)) return schema.enum[0]
  if (schema.type === 'number' || schema.type === 'integer') return 1
  if (schema.type === 'boolean') return true
  if (schema.type === 'array') return []
  if (schema.type === 'object') return {}
  return placeIn(prompt)
}

/** Arguments for a function: its required properties, or all of them where none is marked. */
const argumentsFor = (definition: FunctionDefinition, prompt: string): string => {
  const { parameters } = definition
  const properties = isRecord(parameters) && isRecord(parameters.properties) ? parameters.properties : {}
  const required = isRecord(parameters) && Array.isArray(parameters.required) ? parameters.required : []
  const names = required.length > 0 ? required.map(String) : Object.keys(properties)
  return JSON.stringify(
    Object.fromEntries(names.map((name) => [name, argumentFor(properties[name], prompt)])),
  )
}

const lastMessage = (request: ReplyRequest): Record<string, unknown> => {
  const messages: unknown[] = Array.isArray(request.messages) ? request.messages : []
  const last = messages.at(-1)
  return isRecord(last) ? last : {}
}

const textFor = (request: ReplyRequest): string => {
  const { role } = lastMessage(request)
  return role === 'tool' || role === 'function'
    ? answerFromResult(lastText(request.messages, role))
    : answerTo(lastText(request.messages))
}

const capOf = (request: ReplyRequest): number | undefined => {
  const cap = request.max_completion_tokens ?? request.max_tokens
  return typeof cap === 'number' && cap > 0 ? Math.floor(cap) : undefined
}

/** The reply to a request, whose `usage` grows with the prompt and with the answer. */
export const replyTo = (request: ReplyRequest): Reply => {
  const { messages, tools, functions } = request
  const promptTokens = tokensOf(JSON.stringify({ messages, tools, functions }))
  const definition = lastMessage(request).role === 'user' ? chosenFunction(request) : undefined
  if (definition !== undefined) {
    const call = { name: definition.name, arguments: argumentsFor(definition, lastText(messages)) }
    const usage = { prompt_tokens: promptTokens, completion_tokens: tokensOf(call.name + call.arguments) }
    return { toolCalls: [call], usage }
  }
  const text = textFor(request)
  const cap = capOf(request)
  const capped = cap !== undefined && tokensOf(text) > cap
  const content = capped ? text.slice(0, cap * CHARACTERS_PER_TOKEN) : text
  const usage = { prompt_tokens: promptTokens, completion_tokens: tokensOf(content) }
  return { content, finishReason: capped ? 'length' : 'stop', usage }
}
