/**
 * A newcomer's first minutes in a real browser, on both runtimes: sign in with Clerk's own components, ask from the
 * browser and through the server, watch the balance fall, run out, sign out. Screenshots go to test-output/browser.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Dev, startDev } from './dev.ts'
import {
  ask,
  enterPassword,
  PASSWORD,
  phone,
  readBalance,
  shoot,
  signIn,
  startBrowser,
  submit,
  untilBalance,
  type Window,
} from './steps.ts'

describe.each(['worker', 'server'] as const)('the web app over the %s', (runtime) => {
  let dev: Dev
  let browser: Window

  beforeAll(async () => {
    browser = await startBrowser()
    dev = await startDev(runtime)
  })
  afterAll(async () => {
    await browser?.close()
    await dev?.stop()
  })

  it('signs in, asks both ways, and the balance falls by exactly what each answer cost', async () => {
    const page = await browser.open()
    await page.goto(dev.webUrl)
    await page.getByRole('heading', { name: 'Your login is your AI key.' }).waitFor()

    await enterPassword(page, dev.webUrl, 'ada@example.com', 'wrong-password')
    await page.getByText('Password is incorrect').first().waitFor()
    await page.locator('input[name=password]').fill(PASSWORD)
    await page.getByRole('button', { name: 'Continue', exact: true }).click()
    await page.getByRole('heading', { name: 'Hello, Ada.' }).waitFor()
    let balance = await readBalance(page)

    for (const way of ['Browser', 'Server route'] as const) {
      for (const prompt of ['What does a fare gate do?', 'What is the weather in London?']) {
        const cost = await ask(page, way, prompt)
        expect(cost).toBeGreaterThan(0)
        balance -= cost
        await untilBalance(page, balance)
      }
    }
    const call = page.getByTestId('tool-call')
    expect(await call.count()).toBe(2)
    expect(await call.first().textContent()).toContain('{"location":"London"}')
    await page.getByText('in London, with').nth(1).waitFor()
    await shoot(page, `${runtime}-answered`)

    await page.getByRole('button', { name: /user/i }).click()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Your login is your AI key.' }).waitFor()
  })

  it('charges a stopped answer for what was written, and keeps the conversation over a reload', async () => {
    const page = await browser.open()
    await signIn(page, dev.webUrl, 'grace@example.com')
    const before = await readBalance(page)
    for (const way of ['Browser', 'Server route'] as const) {
      await submit(page, way, 'Tell me a long story.')
      const answer = page.getByTestId('answer').last()
      await answer.getByRole('heading', { name: '2. The fare' }).waitFor()
      await page.getByRole('button', { name: 'Stop' }).click()
      await answer.getByText(/^Stopped · [\d.]+ credits/).waitFor()
      expect(await answer.getByRole('heading', { name: '4. The ticket' }).count()).toBe(0)
    }
    const costs = await page
      .getByTestId('cost')
      .evaluateAll((all) => all.map((each) => Number(each.getAttribute('data-cost'))))
    expect(Math.min(...costs)).toBeGreaterThan(0)
    await untilBalance(page, before - costs.reduce((sum, cost) => sum + cost, 0))
    await page.reload()
    await page.getByRole('article', { name: 'You' }).getByText('Tell me a long story.').nth(1).waitFor()
    expect(await page.getByTestId('cost').and(page.locator('[data-cost]')).count()).toBe(2)
  })

  it('says what to do when there are no credits, on a phone in the dark', async () => {
    const page = await browser.open({ ...phone, colorScheme: 'dark' })
    await signIn(page, dev.webUrl, 'charles@example.com')
    expect(await readBalance(page)).toBe(0)
    for (const way of ['Browser', 'Server route'] as const) {
      await submit(page, way, 'Hello?')
      const answer = page.getByTestId('answer').last().and(page.locator('[data-state=failed]'))
      await answer.getByRole('alert').getByText('Not enough credits').waitFor()
      expect(await answer.getByRole('link', { name: 'Buy credits' }).getAttribute('href')).toBe('/buy')
    }
    await shoot(page, `${runtime}-no-credits`)
  })

  it('charges the organization that is active', async () => {
    const page = await browser.open(phone)
    await signIn(page, dev.webUrl, 'katherine@example.com')
    const before = await readBalance(page)
    expect(before).toBeGreaterThan(9000)
    const cost = await ask(page, 'Browser', 'Hello?')
    await untilBalance(page, before - cost)
    await shoot(page, `${runtime}-organization`)
  })

  it('throws no error in the page', () => expect(browser.errors).toEqual([]))
})
