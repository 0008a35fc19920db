/**
 * The shape of the keys that an operator copies from Clerk's dashboard, so that a slip is told at start
 * with all else. The issuer reads them for itself when it is made; a test proves that it can read what passes
 * here.
 */

// The DER encoding of rsaEncryption, 1.2.840.113549.1.1.1, as it stands in every RSA public key of this form.
const rsaIdentifier = '\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01'
const derBytesMin = 256

/** What is wrong with a publishable key (`pk_test_…`, `pk_live_…`), or null. */
export function publishableKeyProblem(key: string): string | null {
  const decoded = decodeBase64(/^pk_(?:test|live)_([A-Za-z0-9+/]+)={0,2}$/.exec(key)?.[1])
  return decoded !== null && /^[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::\d{1,5})?\$$/.test(decoded)
    ? null
    : 'is not a Clerk publishable key: copy pk_test_… or pk_live_… whole from the dashboard, "API keys"'
}

/** What is wrong with a JWT public key (PEM, on several lines, one line or with literal `\n`), or null. */
export function jwtKeyProblem(key: string): string | null {
  const base64 = key
    .replaceAll('\\n', '\n')
    .replace(/-----(?:BEGIN|END) PUBLIC KEY-----/g, '')
    .replace(/[\s"']/g, '')
  const der = decodeBase64(base64)
  return der !== null && der.length >= derBytesMin && der.includes(rsaIdentifier)
    ? null
    : 'is not an RSA public key in PEM: copy "JWKS public key" whole from the dashboard, "API keys"'
}

const webhookSecretBytesMin = 16

/** What is wrong with a webhook's signing secret (`whsec_…`), or null. */
export function webhookSecretProblem(secret: string): string | null {
  const bytes = decodeBase64(/^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret)?.[1])
  return bytes !== null && bytes.length >= webhookSecretBytesMin
    ? null
    : 'is not the signing secret of a webhook: copy whsec_… whole from the dashboard, "Webhooks", your endpoint'
}

/** The bytes as a text of one character each; null when there is no base64. */
function decodeBase64(text: string | undefined): string | null {
  try {
    return text === undefined ? null : atob(text)
  } catch {
    return null
  }
}
