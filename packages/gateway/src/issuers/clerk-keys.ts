/**
 * The two keys that an operator copies from Clerk's dashboard: the publishable key, which names the
 * instance, and the JWT public key, which spares all network. Read here so that a typing error is told at
 * start and not as a refused token.
 */
import { err, ok, type Result } from '../core/result.ts'

// The DER encoding of rsaEncryption, 1.2.840.113549.1.1.1, as it stands in every RSA public key of this form.
const rsaIdentifier = '2a864886f70d010101'
const derBytesMin = 256

/** Reads `pk_test_…` or `pk_live_…`: the instance's Frontend API host, and whether it is a live one. */
export function parsePublishableKey(key: string): Result<{ frontendApi: string; live: boolean }, string> {
  const match = /^pk_(test|live)_([A-Za-z0-9+/]+)={0,2}$/.exec(key.trim())
  const decoded = match?.[2] === undefined ? null : decodeBase64(match[2])
  const host =
    decoded === null ? undefined : /^([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::\d{1,5})?)\$$/.exec(decoded)?.[1]
  if (match === null || host === undefined) {
    return err(
      'not a Clerk publishable key: copy pk_test_… or pk_live_… whole from the dashboard, "API keys"',
    )
  }
  return ok({ frontendApi: host, live: match[1] === 'live' })
}

/** Reads Clerk's JWT public key (PEM, on several lines, one line or with literal `\n`) as a tidy PEM. */
export function parseJwtKey(key: string): Result<string, string> {
  const base64 = key
    .replaceAll('\\n', '\n')
    .replace(/-----(?:BEGIN|END) PUBLIC KEY-----/g, '')
    .replace(/[\s"']/g, '')
  const der = decodeBase64(base64)
  if (der === null || der.length < derBytesMin || !hexOf(der).includes(rsaIdentifier)) {
    return err('not an RSA public key in PEM: copy "JWKS public key" whole from the dashboard, "API keys"')
  }
  return ok(`-----BEGIN PUBLIC KEY-----\n${base64}\n-----END PUBLIC KEY-----`)
}

/** The bytes as a string of one character each; null when the text is not base64. */
function decodeBase64(text: string): string | null {
  try {
    return atob(text)
  } catch {
    return null
  }
}

function hexOf(binary: string): string {
  return Array.from(binary, (character) => character.charCodeAt(0).toString(16).padStart(2, '0')).join('')
}
