/**
 * Clerk's handshake: the app's middleware sends a page load here when its cookies are missing or old, and gets it
 * back with a signed list of the cookies to set.
 */
import { createHash } from 'node:crypto'
import type { Browser } from './browsers.ts'
import { isLoopbackOrigin } from './http.ts'

/** Cookies are set twice, plain and with a suffix per instance: apps on one host share a cookie jar. */
export function cookieSuffix(publishableKey: string): string {
  const digest = createHash('sha1').update(publishableKey).digest('base64')
  return digest.replaceAll('+', '-').replaceAll('/', '_').slice(0, 8)
}

/** The cookies that make the app's origin agree with what this browser's client is. */
export function handshakeCookies(browser: Browser, token: string | null, suffix: string): string[] {
  const signedInAt = token ? Math.floor(browser.updatedAt / 1000) : 0
  return ['', `_${suffix}`].flatMap((ending) => [
    `__clerk_db_jwt${ending}=${browser.id}; Path=/; SameSite=Lax; Max-Age=31536000`,
    `__client_uat${ending}=${signedInAt}; Path=/; SameSite=Lax; Max-Age=31536000`,
    token
      ? `__session${ending}=${token}; Path=/; SameSite=Lax; Max-Age=31536000`
      : `__session${ending}=; Path=/; SameSite=Lax; Max-Age=0`,
  ])
}

/** Where a handshake may send its cookies: to the app and to this machine, nowhere else. */
export function handshakeTarget(redirectUrl: string | null, appOrigin: string): URL | undefined {
  if (!redirectUrl || !URL.canParse(redirectUrl)) return undefined
  const url = new URL(redirectUrl)
  return url.origin === appOrigin || isLoopbackOrigin(url.origin) ? url : undefined
}
