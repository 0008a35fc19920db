/**
 * Session tokens as Clerk makes them, one per user, signed with a key of the bench. They live ten minutes, the most
 * that Faregate takes, so a long run signs them anew; a run started soon after another finds them in the temporary
 * folder.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const LIFE_SECONDS = 600
const BATCH = 512
const signAsync = promisify(sign)
const folder = join(tmpdir(), 'faregate-bench')

/** The key pair, kept between runs; only the bench's own servers ever trust it. */
const keyPair = (): { key: KeyObject; publicPem: string } => {
  const file = join(folder, 'key.pem')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  }
  const key = createPrivateKey(readFileSync(file))
  return { key, publicPem: createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString() }
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const HEADER = encode({ alg: 'RS256', kid: 'ins_bench', typ: 'JWT' })

const claims = (user: number, now: number) => ({
  iss: 'https://clerk.bench.example',
  sub: `user_bench${user}`,
  sid: `sess_bench${user}`,
  iat: now,
  nbf: now - 5,
  exp: now + LIFE_SECONDS,
  jti: `${user}-${now}`,
  v: 2,
  fva: [0, -1],
  sts: 'active',
})

const mint = async (key: KeyObject, accounts: number, now: number): Promise<string[]> => {
  const tokens: string[] = []
  for (let from = 0; from < accounts; from += BATCH) {
    const users = Array.from({ length: Math.min(BATCH, accounts - from) }, (_, i) => from + i)
    const batch = users.map(async (user) => {
      const input = `${HEADER}.${encode(claims(user, now))}`
      return `${input}.${(await signAsync('RSA-SHA256', Buffer.from(input), key)).toString('base64url')}`
    })
    tokens.push(...(await Promise.all(batch)))
  }
  return tokens
}

/** Tokens for so many users. */
export type Tokens = Readonly<{
  /** For `CLERK_JWT_KEY`. */
  publicPem: string
  /**
   * A file with a token a line, all valid for at least so many seconds more. When `expires` has changed, they are
   * new ones that no proxy has seen.
   */
  file: (validSeconds: number) => Promise<{ path: string; expires: number }>
}>

/** Prepares tokens for that many users; signing waits for the first `file()`. */
export const createTokens = (accounts: number): Tokens => {
  const { key, publicPem } = keyPair()
  const path = join(folder, `tokens-${accounts}.txt`)
  const stamp = join(folder, `tokens-${accounts}.exp`)
  const expires = () => (existsSync(stamp) && existsSync(path) ? Number(readFileSync(stamp, 'utf8')) : 0)
  const file = async (validSeconds: number) => {
    if (validSeconds > LIFE_SECONDS - 30)
      throw new Error('a measurement may not outlive a token: fewer --seconds')
    const now = Math.floor(Date.now() / 1000)
    if (expires() < now + validSeconds) {
      if (accounts > 5000) console.log(`signing ${accounts} tokens …`)
      // Dated when signing starts, so the slowest batch is not yet old when it is first used.
      writeFileSync(path, (await mint(key, accounts, now)).join('\n'), { mode: 0o600 })
      writeFileSync(stamp, String(now + LIFE_SECONDS))
    }
    return { path, expires: expires() }
  }
  return { publicPem, file }
}
