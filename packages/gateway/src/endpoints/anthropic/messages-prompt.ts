/**
 * What goes before the model on Anthropic's wire, read and checked: the same for a message and for a count of its
 * tokens.
 */
import type { Refusal } from '../../core/refusal.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { ParseOptions, RawRequest } from '../../ports.ts'
import { type Changes, forwardedBytesMax, openRequest } from '../json-request.ts'
import type { ScannedObject } from '../json-scan.ts'
import { type FieldDecisions, invalidValue, type ParameterTable, unsupported } from '../parameters.ts'
import { versionHeader } from './anthropic-wire.ts'
import {
  type Checking,
  faultInCacheControl,
  faultInMessages,
  faultInSystem,
  type Rules,
  startChecking,
  type Tally,
} from './messages-content.ts'
import { type CheckedTools, checkTools } from './messages-tools.ts'

/** A request's prompt, checked. */
export type Prompt = {
  scanned: ScannedObject
  model: string
  fields: FieldDecisions
  rules: Rules
  tally: Tally
  tools: CheckedTools
  /** The headers that go on. */
  headers: Record<string, string>
}

/** Reads and checks all that goes before the model, and every field by name. */
export function readPrompt(
  { body, headers }: RawRequest,
  options: ParseOptions,
  table: ParameterTable,
): Result<Prompt, Refusal> {
  const version = versionHeader(headers)
  if (!version.ok) return version
  const opened = openRequest(body, table, options)
  if (!opened.ok) return opened
  const { scanned, value, model, found, allowed, removed, dropped } = opened.value
  const { messages: given, system, tools: givenTools, cache_control: cache, speed } = value
  const rules = { allowed, found }
  const checking: Checking = startChecking(rules)
  const fault =
    faultInMessages(given, checking) ??
    faultInSystem(system, checking) ??
    faultInCacheControl(cache, 'cache_control', checking) ??
    faultInSpeed(speed, rules)
  if (fault !== null) return err(fault)
  const tools = checkTools(givenTools, checking)
  if (!tools.ok) return tools
  return ok({
    scanned,
    model,
    fields: { removed, dropped },
    rules,
    tally: checking.tally,
    tools: tools.value,
    headers: version.value,
  })
}

/** The fast mode is a tier of its own, by that name. */
function faultInSpeed(speed: unknown, { found }: Rules): Refusal | null {
  if (speed === undefined || speed === null || speed === 'standard') return null
  if (speed !== 'fast') return invalidValue('speed', '"standard" or "fast"')
  if (found?.price.serviceTiers?.fast !== undefined) return null
  return unsupported('speed', 'the operator has given no price for the fast mode')
}

/** The bytes that go on at most, without pictures. */
export function textBytesMax({ scanned, tally }: Prompt, longest: Changes): number {
  return forwardedBytesMax(scanned, longest) - tally.mediaBytes
}
