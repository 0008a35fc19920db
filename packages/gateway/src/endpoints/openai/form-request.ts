/**
 * What a wire of forms shares: reading `multipart/form-data` within the same discipline as JSON. Names are brought to
 * one spelling (`include[]` is a list named `include`), and a field that may stand once must.
 */
import { type Refusal, refusal } from '../../core/refusal.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { RawRequest } from '../../ports.ts'
import { invalidValue, unsupported } from '../parameters.ts'

/** The most fields of one form. */
const fieldsMax = 512

/**
 * A form that was read: `value` has a text or a file, or of a list an array of texts, by the name of each field.
 * Its `spans` are the names as they are to be checked (`parameters.ts`).
 */
export type Form = {
  value: Record<string, string | readonly string[] | File>
  spans: ReadonlyMap<string, unknown>
}

/** Reads a form; fields in `lists` may be given many times. 400 for what is no form, or says something twice. */
export async function readForm(
  { body, headers }: RawRequest,
  lists: ReadonlySet<string>,
): Promise<Result<Form, Refusal>> {
  const type = headers.get('content-type') ?? ''
  if (!/^multipart\/form-data\s*;/i.test(type)) return err(notAForm(type))
  const form = await new Response(body as Uint8Array<ArrayBuffer>, { headers: { 'content-type': type } })
    .formData()
    .catch(() => null)
  if (form === null) {
    return err(refusal('invalid_value', 'The body is not a form that can be read as its content type says.'))
  }
  const fields = new Map<string, string | File | string[]>()
  let count = 0
  for (const [given, value] of form as unknown as Iterable<[string, string | File]>) {
    count += 1
    if (count > fieldsMax) return err(invalidValue('body', `a form of at most ${fieldsMax} fields`))
    const name = given.endsWith('[]') ? given.slice(0, -2) : given
    const before = fields.get(name)
    if (lists.has(name)) {
      if (typeof value !== 'string') return err(invalidValue(name, 'a text, not a file'))
      if (Array.isArray(before)) before.push(value)
      else fields.set(name, [value])
    } else if (before !== undefined) return err(invalidValue(name, 'given once'))
    else if (given !== name) return err(unsupported(given, 'it is no list'))
    else fields.set(name, value)
  }
  return ok({ value: Object.fromEntries(fields), spans: fields })
}

function notAForm(type: string): Refusal {
  const got = type === '' ? 'none came' : `${type.slice(0, 64)} came`
  return refusal(
    'invalid_value',
    `The body must be a form with a file: send it as content type multipart/form-data, with its boundary; ${got}.`,
  )
}
