/** Passwords of people who signed up: even a stand-in's state file must not hold what somebody may use elsewhere. */
import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'

/** The fewest characters of a password, as the environment tells the components. */
export const PASSWORD_LENGTH_MIN = 8

/** A salted hash of a password, as text. */
export function hashPassword(password: string): string {
  const salt = randomBytes(16)
  return `${salt.toString('hex')}:${derive(password, salt).toString('hex')}`
}

/** Whether a password is the user's: the plain one of a seed, else by its hash. */
export function isPassword(
  user: { password: string | null; passwordHash: string | null },
  password: string,
): boolean {
  if (user.passwordHash === null) return user.password !== null && user.password === password
  const [salt = '', digest = ''] = user.passwordHash.split(':')
  return timingSafeEqual(derive(password, Buffer.from(salt, 'hex')), Buffer.from(digest, 'hex'))
}

function derive(password: string, salt: Buffer): Buffer {
  return scryptSync(password, salt, 32, { N: 1024 })
}
