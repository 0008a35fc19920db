/**
 * The whole way of a new user, in a real browser and on both runtimes: sign up, chat, watch the balance fall, run out,
 * buy a pack on the hosted checkout page, chat on, subscribe to Pro, and cancel. Screenshots go to test-output/browser.
 */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import config from '../../faregate.config.ts'
import { type Dev, startDev } from './dev.ts'
import {
  accessibilityFaults,
  ask,
  phone,
  readBalance,
  shoot,
  startBrowser,
  submit,
  untilBalance,
  type Window,
} from './steps.ts'

/** A month's allowance that a few answers use up. */
const ALLOWANCE = 0.03
const free = config.plans['free']
if (!free) throw new Error('the config has no plan named free')
const plans = {
  ...config.plans,
  free: { ...free, allowance: { credits: ALLOWANCE, every: 'month' as const } },
}

const looks = {
  worker: { colorScheme: 'light' },
  server: { colorScheme: 'dark', ...phone },
} as const

describe.each(['worker', 'server'] as const)('a new user over the %s', (runtime) => {
  let dev: Dev
  let browser: Window
  let page: Page

  beforeAll(async () => {
    browser = await startBrowser()
    dev = await startDev(runtime, { plans })
    page = await browser.open({ reducedMotion: 'reduce', ...looks[runtime] })
  })
  afterAll(async () => {
    await browser?.close()
    await dev?.stop()
  })

  const check = async (name: string) => {
    await shoot(page, `journey-${runtime}-${name}`)
    expect(await accessibilityFaults(page), name).toEqual([])
  }
  const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true })

  it('signs up, and the balance falls by what each answer cost until there is too little', async () => {
    await page.goto(`${dev.webUrl}/sign-up`)
    await page.locator('input[name=emailAddress]').fill(`mary-${runtime}@example.com`)
    await page.locator('input[name=password]').fill('a-gate-for-fares')
    await button('Continue').click()
    await page.waitForURL(`${dev.webUrl}/chat`)
    let balance = await readBalance(page)
    expect(balance).toBe(ALLOWANCE)
    for (let asked = 0; asked < 20; asked += 1) {
      const answers = await page.getByTestId('answer').count()
      await submit(page, 'Browser', 'What does a fare gate do?')
      const answer = page.getByTestId('answer').nth(answers)
      const ended = answer.and(page.locator('[data-state=done], [data-state=failed]'))
      await ended.waitFor()
      if ((await ended.getAttribute('data-state')) === 'failed') break
      const cost = answer.getByTestId('cost').and(page.locator('[data-cost]'))
      await cost.waitFor()
      balance -= Number(await cost.getAttribute('data-cost'))
      await untilBalance(page, balance)
    }
    expect(balance).toBeLessThan(ALLOWANCE)
    const problem = page.getByTestId('problem')
    await problem.getByRole('link', { name: /buy/i }).waitFor()
    await check('out-of-credits')
  })

  it('buys a pack on the hosted page, and chats on', async () => {
    const before = await readBalance(page)
    await page.getByTestId('problem').getByRole('link', { name: /buy/i }).click()
    await button(/^Buy Starter/).click()
    await page.waitForURL(/\/c\/pay\//)
    await check('checkout')
    await page.getByLabel('Email').fill('mary@example.com')
    await button(/^Pay/).click()
    await page.waitForURL(/checkout=done/)
    await page.getByText('Your credits are here').waitFor()
    await untilBalance(page, before + 1000)
    await check('bought')
    await page.goto(`${dev.webUrl}/chat`)
    // The conversation is the one from before.
    await page.getByTestId('answer').first().waitFor()
    const cost = await ask(page, 'Browser', 'And now?')
    await untilBalance(page, before + 1000 - cost)
  })

  it('subscribes to Pro: more models, and the allowance at once', async () => {
    const before = await readBalance(page)
    expect(await models(dev, page)).not.toContain('gpt-5.1')
    await page.goto(`${dev.webUrl}/buy`)
    await button('Subscribe').click()
    await button('Pay with test card').click()
    await page.getByRole('heading', { name: 'Payment was successful!' }).waitFor()
    await shoot(page, `journey-${runtime}-subscribed`)
    await button('Continue').click()
    await page.goto(`${dev.webUrl}/buy`)
    await untilBalance(page, before + 2000)
    expect(await models(dev, page)).toContain('gpt-5.1')
    await page.goto(`${dev.webUrl}/account`)
    await page.getByTestId('plan').getByText('pro').waitFor()
    await check('pro')
  })

  it('cancels, and Pro lasts to the end of what is paid', async () => {
    // Clerk hides its profile's sections behind a menu on a phone.
    await page.setViewportSize({ width: 1280, height: 844 })
    await button('Open user menu').click()
    await page.getByText('Manage account').click()
    await button('Billing').click()
    await button('Manage').last().click()
    await button('Cancel subscription').click()
    await page
      .locator('.cl-drawerConfirmationRoot')
      .getByRole('button', { name: 'Cancel subscription' })
      .click()
    await page
      .getByText(/Canceled/)
      .first()
      .waitFor()
    await shoot(page, `journey-${runtime}-canceled`)
    await page.goto(`${dev.webUrl}/account`)
    await page.getByTestId('plan').getByText('pro').waitFor()
    await page.getByText(/until/i).first().waitFor()
    await check('canceled')
  })

  it('throws no error in the page', () => expect(browser.errors).toEqual([]))
})

/** The models that the gateway serves to who is signed in on the page. */
async function models({ gatewayUrl }: Dev, page: Page): Promise<string[]> {
  const token = await page.evaluate(async () => {
    const clerk = Reflect.get(window, 'Clerk') as { session: { getToken(o: object): Promise<string> } }
    return clerk.session.getToken({ skipCache: true })
  })
  const answer = await fetch(`${gatewayUrl}/v1/models`, { headers: { authorization: `Bearer ${token}` } })
  const { data } = (await answer.json()) as { data: { id: string }[] }
  return data.map(({ id }) => id)
}
