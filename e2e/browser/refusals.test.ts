/** What the page says when the gateway refuses or does not answer. The refusals are put into its mouth. */
import type { Page, Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Dev, startDev } from './dev.ts'
import { ask, shoot, signIn, startBrowser, submit, type Window } from './steps.ts'

describe('refusals on the page', () => {
  let dev: Dev
  let browser: Window
  let page: Page
  beforeAll(async () => {
    browser = await startBrowser()
    dev = await startDev('server')
    page = await browser.open()
    await signIn(page, dev.webUrl, 'ada@example.com')
  })
  afterAll(async () => {
    await browser?.close()
    await dev?.stop()
  })

  const completions = '**/v1/chat/completions'
  const refuse =
    (status: number, code: string, headers: Record<string, string> = {}) =>
    (route: Route) =>
      route.request().method() === 'OPTIONS'
        ? route.continue()
        : route.fulfill({
            status,
            headers: {
              'access-control-allow-origin': dev.webUrl,
              'access-control-expose-headers': 'retry-after',
              ...headers,
            },
            json: { error: { message: 'In the gateway’s words.', type: 'x', code, param: null } },
          })
  /** Asks while the gateway answers so; gives the notice that stands in the place of the answer. */
  const refused = async (handler: (route: Route) => unknown) => {
    await page.route(completions, handler)
    const answers = await page.getByTestId('answer').count()
    await submit(page, 'Browser', 'Hello?')
    const notice = page.getByTestId('answer').nth(answers).getByTestId('problem')
    await notice.waitFor()
    await page.unroute(completions)
    return notice
  }

  it('429: counts down, then asks again', async () => {
    const notice = await refused(refuse(429, 'rate_limited', { 'retry-after': '3' }))
    const waiting = notice.getByRole('button', { name: /^Try again in \d s$/ })
    await waiting.waitFor()
    expect(await waiting.isDisabled()).toBe(true)
    await shoot(page, 'rate-limited')
    await notice.getByRole('button', { name: 'Try again', exact: true }).click()
    await page.getByTestId('answer').last().and(page.locator('[data-state=done]')).waitFor()
    expect(await page.getByTestId('problem').count()).toBe(0)
  })

  it.each([
    [403, 'model_not_in_plan', 'Your plan does not include this model', '/buy#plans'],
    [402, 'account_in_debt', 'The account is in debt', '/buy'],
    [401, 'token_expired', 'You are signed out', '/sign-in'],
    [403, 'blocked', 'This account is blocked', null],
    [502, 'upstream_unavailable', 'The model’s provider gave no answer', null],
    [503, 'store_unavailable', 'No answer could be had', null],
  ])('%i %s: says so, and where to go', async (status, code, title, href) => {
    const notice = await refused(refuse(status, code))
    await notice.getByText(title).waitFor()
    await notice.getByText('In the gateway’s words.').waitFor()
    const links = await notice
      .getByRole('link')
      .evaluateAll((all) => all.map((link) => link.getAttribute('href')))
    expect(links).toEqual(href === null ? [] : [href])
  })

  it('no gateway: says that it does not answer, and the chat goes on when it does', async () => {
    const notice = await refused((route) => route.abort('connectionrefused'))
    await notice.getByText('The gateway does not answer').waitFor()
    expect(await ask(page, 'Browser', 'Hello again?')).toBeGreaterThan(0)
  })

  it('throws no error in the page', () => expect(browser.errors).toEqual([]))
})
