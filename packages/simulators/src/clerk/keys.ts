/** The simulator's RSA signing keys: made at start or kept in a file, rotated on demand, published as a JWKS. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto'

/** A key as it is kept in a state file. */
export type StoredKey = { keyId: string; privateKeyPem: string }

/** Signs tokens and publishes the keys that verify them. */
export type SigningKeys = {
  /** The public key that signs now, as PEM: what `CLERK_JWT_KEY` wants. */
  currentPem: () => string
  currentKeyId: () => string
  /** The published keys, newest first. */
  jwks: () => { keys: object[] }
  /** Signs header and payload as they are given; only the `alg` of RS384 and RS512 changes the hash. */
  sign: (header: Record<string, unknown>, payload: Record<string, unknown>) => string
  /** Makes a new key; the old one stays published only if asked, as Clerk does for a while. */
  rotate: (options?: { keepPrevious?: boolean }) => void
  stored: () => StoredKey[]
}

type Key = { keyId: string; privateKey: KeyObject; publicKey: KeyObject }

/** Makes the keys of a simulator from what a state file kept, or anew. */
export function createSigningKeys(stored: StoredKey[] = []): SigningKeys {
  let keys: Key[] = stored.map((key) => keyFrom(createPrivateKey(key.privateKeyPem)))
  let current = keys[0] ?? newKey()
  if (keys.length === 0) keys = [current]
  return {
    currentPem: () => current.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    currentKeyId: () => current.keyId,
    jwks: () => ({
      keys: keys.map((key) => ({
        ...key.publicKey.export({ format: 'jwk' }),
        kid: key.keyId,
        use: 'sig',
        alg: 'RS256',
      })),
    }),
    sign: (header, payload) => signCompact(current, header, payload),
    rotate: ({ keepPrevious = false } = {}) => {
      const previous = current
      current = newKey()
      keys = keepPrevious ? [current, previous] : [current]
    },
    stored: () =>
      keys.map((key) => ({
        keyId: key.keyId,
        privateKeyPem: key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      })),
  }
}

function newKey(): Key {
  return keyFrom(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey)
}

function keyFrom(privateKey: KeyObject): Key {
  const publicKey = createPublicKey(privateKey)
  const der = publicKey.export({ type: 'spki', format: 'der' })
  const keyId = `ins_${createHash('sha256').update(der).digest('base64url').slice(0, 24)}`
  return { keyId, privateKey, publicKey }
}

function signCompact(key: Key, header: Record<string, unknown>, payload: Record<string, unknown>): string {
  const hash = header.alg === 'RS384' ? 'sha384' : header.alg === 'RS512' ? 'sha512' : 'sha256'
  const signed = `${encode(header)}.${encode(payload)}`
  return `${signed}.${sign(hash, Buffer.from(signed), key.privateKey).toString('base64url')}`
}

function encode(part: Record<string, unknown>): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
