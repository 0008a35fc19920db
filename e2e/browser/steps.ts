/** What browser tests do again and again: open a page, sign in, ask, read the balance, check that it is accessible. */
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { findChromium } from './find-chromium.ts'

const shots = join(dirname(fileURLToPath(import.meta.url)), '../../test-output/browser')
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** The one password of all simulated users. */
export const PASSWORD = 'faregate'

/** A phone's screen. */
export const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }

/** A browser whose pages report the errors that they throw. */
export type Window = {
  /** A page of its own: nobody is signed in there. */
  open: (options?: BrowserContextOptions) => Promise<Page>
  /** What pages have thrown so far. */
  errors: string[]
  close: () => Promise<void>
}

/** Starts Chromium. */
export async function startBrowser(): Promise<Window> {
  mkdirSync(shots, { recursive: true })
  const browser: Browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox'] })
  const errors: string[] = []
  const open = async (options: BrowserContextOptions = {}) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
    const page = await context.newPage()
    page.on('pageerror', (error) => errors.push(error.message))
    return page
  }
  return { open, errors, close: () => browser.close() }
}

/** Takes a picture of the whole page to test-output/browser. */
export async function shoot(page: Page, name: string): Promise<void> {
  // Scrolled down, a picture of the whole page shows what stays on top in its middle.
  await page.evaluate(() => window.scrollTo(0, 0))
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true })
}

/** Types address and password into Clerk's form. */
export async function enterPassword(page: Page, webUrl: string, email: string, password: string) {
  await page.goto(`${webUrl}/sign-in`)
  await page.locator('input[name=identifier]').fill(email)
  await page.getByRole('button', { name: 'Continue', exact: true }).click()
  await page.locator('input[name=password]:not([tabindex="-1"])').fill(password)
  await page.getByRole('button', { name: 'Continue', exact: true }).click()
}

/** Signs in as a simulated user; resolves when the chat is there, and knows the balance. */
export async function signIn(page: Page, webUrl: string, email: string): Promise<void> {
  await enterPassword(page, webUrl, email, PASSWORD)
  await page.waitForURL(`${webUrl}/chat`)
  await readBalance(page)
}

/** Asks in the chat one way or the other; resolves when the answer is whole. Gives what it cost. */
export async function ask(page: Page, way: 'Browser' | 'Server route', prompt: string): Promise<number> {
  const answers = await page.getByTestId('answer').count()
  await submit(page, way, prompt)
  const answer = page.getByTestId('answer').nth(answers)
  await answer.and(page.locator('[data-state=done]')).waitFor()
  const cost = answer.getByTestId('cost').and(page.locator('[data-cost]'))
  await cost.waitFor()
  return Number(await cost.getAttribute('data-cost'))
}

/** Sends a prompt, whatever comes of it. */
export async function submit(page: Page, way: 'Browser' | 'Server route', prompt: string): Promise<void> {
  await page.getByRole('radiogroup', { name: 'Which way to ask' }).getByText(way, { exact: true }).click()
  await page.getByLabel('Your message').fill(prompt)
  await page.getByLabel('Your message').press('Enter')
}

/** The balance in the header, once the page has read it. */
export async function readBalance(page: Page): Promise<number> {
  const balance = page.getByTestId('balance').and(page.locator('[value]:not([value=""])'))
  await balance.waitFor()
  return Number(await balance.getAttribute('value'))
}

/** Resolves when the header shows this balance. */
export async function untilBalance(page: Page, expected: number): Promise<void> {
  await page.waitForFunction((value) => {
    const shown = document.querySelector('[data-testid=balance]')?.getAttribute('value')
    return shown !== '' && Math.abs(Number(shown) - value) < 1e-6
  }, expected)
}

/** Resolves when nothing on the page is still being read. */
export async function untilRead(page: Page): Promise<void> {
  await readBalance(page)
  await page.waitForFunction(() => !document.querySelector('main [aria-busy=true]'))
}

/** Clerk's own buttons have names that do not begin with what they show, and that are not ours to change. */
const OF_CLERK = /^label-content-name-mismatch: \.cl-/

/** What axe finds on the page that is serious or worse, as `rule: where`. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  const { violations } = await page.evaluate(
    (): Promise<{ violations: { id: string; impact: string; nodes: { target: string[] }[] }[] }> =>
      // The development server's own overlay is not part of the page.
      Reflect.get(window, 'axe').run({ exclude: [['nextjs-portal']] }, { resultTypes: ['violations'] }),
  )
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`))
    .filter((fault) => !OF_CLERK.test(fault))
}
