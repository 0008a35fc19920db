/** Serves Clerk's own browser scripts from node_modules, as Clerk's CDN does, with a stand-in for Stripe's script. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { STRIPE_SCRIPT } from './stripe-script.ts'

const require = createRequire(import.meta.url)
const PACKAGES = new Set(['clerk-js', 'ui'])

/** Paths of the two scripts that `@clerk/nextjs` loads first; the version in the path is not looked at. */
export const CLERK_JS_PATH = '/npm/@clerk/clerk-js@6/dist/clerk.browser.js'
export const CLERK_UI_PATH = '/npm/@clerk/ui@1/dist/ui.browser.js'

/** Answers `/npm/@clerk/<package>@<version>/dist/<file>`. */
export async function serveAsset(packageAtVersion: string, file: string): Promise<Response> {
  const name = packageAtVersion.split('@')[0] ?? ''
  if (!PACKAGES.has(name) || !/^[\w.-]+\.js$/.test(file)) return new Response('not found', { status: 404 })
  const folder = dirname(require.resolve(`@clerk/${name}`))
  try {
    const script = await readFile(join(folder, file), 'utf8')
    // This chunk of clerk-js would load Stripe's script over the network; it does not where there is one already.
    return new Response(file.startsWith('stripe-vendors') ? STRIPE_SCRIPT + script : script, {
      headers: { 'content-type': 'text/javascript; charset=utf-8', 'cache-control': 'public, max-age=3600' },
    })
  } catch {
    return new Response('not found', { status: 404 })
  }
}
