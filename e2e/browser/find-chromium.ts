/** The browser to test with: the system's, or the one that Playwright installed. */
import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Throws, saying how to get one, when there is none. */
export function findChromium(): string {
  const named = process.env['CHROMIUM']
  const found = [...(named ? [named] : []), ...places, chromium.executablePath()].find((path) =>
    existsSync(path),
  )
  if (found) return found
  throw new Error(
    'No Chromium here: apt-get install chromium, or npx playwright install chromium, or name one with CHROMIUM.',
  )
}
