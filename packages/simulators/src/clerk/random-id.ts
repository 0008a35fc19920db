/** Random text for ids. */
import { randomBytes } from 'node:crypto'

/** 24 hexadecimal digits. */
export function randomId(): string {
  return randomBytes(12).toString('hex')
}
