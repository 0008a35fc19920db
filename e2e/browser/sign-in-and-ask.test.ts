/**
 * A newcomer's first minutes in a real browser, on both runtimes: sign in with Clerk's own components, ask from the
 * browser and through the server, watch the balance fall, run out, sign out. Screenshots go to test-output/browser.
 */
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Dev, startDev } from './dev.ts'
import { findChromium } from './find-chromium.ts'

const shots = join(dirname(fileURLToPath(import.meta.url)), '../../test-output/browser')
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }

describe.each(['worker', 'server'] as const)('the web page over the %s', (runtime) => {
  let dev: Dev
  let browser: Browser
  const errors: string[] = []

  beforeAll(async () => {
    mkdirSync(shots, { recursive: true })
    browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox'] })
    dev = await startDev(runtime)
  })
  afterAll(async () => {
    await browser?.close()
    await dev?.stop()
  })

  const open = async (options: BrowserContextOptions = {}): Promise<Page> => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
    const page = await context.newPage()
    page.on('pageerror', (error) => errors.push(error.message))
    return page
  }
  const shot = (page: Page, name: string) =>
    page.screenshot({ path: join(shots, `${runtime}-${name}.png`), fullPage: true })

  it('signs in, asks both ways, and the balance falls by what each answer cost', async () => {
    const page = await open()
    await page.goto(dev.webUrl)
    await page.getByRole('heading', { name: 'Your login is your AI key.' }).waitFor()
    await shot(page, 'welcome')

    await signIn(page, dev.webUrl, 'ada@example.com', 'wrong-password')
    await page.getByText('Password is incorrect').first().waitFor()
    await page.locator('input[name=password]').fill('faregate')
    await page.getByRole('button', { name: 'Continue', exact: true }).click()
    await page.getByRole('heading', { name: 'Hello, Ada.' }).waitFor()
    const before = await balance(page)

    await ask(page, 'Ask from the browser', 'What does a fare gate do?')
    const cost = await page.getByText(/This answer cost/).textContent()
    const [charged, left] = (cost ?? '').match(/[\d,.]*\d/g)?.map(Number) ?? []
    await until(page, left ?? 0)
    expect(before - (charged ?? 0)).toBeCloseTo(left ?? 0, 6)
    await shot(page, 'answered')

    await ask(page, 'Ask through the server', 'What is the weather in London?')
    await page.waitForFunction(
      (start) =>
        Number(document.querySelector('[data-testid=balance]')?.textContent?.replace(/,/g, '')) < start,
      left ?? 0,
    )
    await shot(page, 'routed')

    await page.getByRole('button', { name: /user/i }).click()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Your login is your AI key.' }).waitFor()
  })

  it('says what to do when there are no credits, on a phone in the dark', async () => {
    const page = await open({ ...phone, colorScheme: 'dark' })
    await signIn(page, dev.webUrl, 'charles@example.com', 'faregate')
    expect(await balance(page)).toBe(0)
    for (const button of ['Ask from the browser', 'Ask through the server']) {
      await page.getByLabel('Your prompt').fill('Hello?')
      await page.getByRole('button', { name: button }).click()
      await page.getByRole('alert').getByText('Not enough credits').waitFor()
    }
    await shot(page, 'no-credits')
  })

  it('charges the organization that is active', async () => {
    const page = await open(phone)
    await signIn(page, dev.webUrl, 'katherine@example.com', 'faregate')
    await balance(page)
    expect(await page.locator('dl').textContent()).toContain('clerk:org_')
    await shot(page, 'organization')
  })

  it('throws no error in the page', () => expect(errors).toEqual([]))
})

async function signIn(page: Page, webUrl: string, email: string, password: string): Promise<void> {
  await page.goto(`${webUrl}/sign-in`)
  await page.locator('input[name=identifier]').fill(email)
  await page.getByRole('button', { name: 'Continue', exact: true }).click()
  await page.locator('input[name=password]:not([tabindex="-1"])').fill(password)
  await page.getByRole('button', { name: 'Continue', exact: true }).click()
}

async function ask(page: Page, button: string, prompt: string): Promise<void> {
  await page.getByLabel('Your prompt').fill(prompt)
  await page.getByRole('button', { name: button }).click()
  await page.locator('[data-testid=answer][data-state=done]').waitFor()
}

/** The balance, once the page has read it. */
async function balance(page: Page): Promise<number> {
  await page.waitForFunction(() =>
    /\d/.test(document.querySelector('[data-testid=balance]')?.textContent ?? ''),
  )
  return Number((await page.getByTestId('balance').textContent())?.replace(/,/g, ''))
}

async function until(page: Page, expected: number): Promise<void> {
  await page.waitForFunction(
    (value) =>
      Number(document.querySelector('[data-testid=balance]')?.textContent?.replace(/,/g, '')) === value,
    expected,
  )
}
