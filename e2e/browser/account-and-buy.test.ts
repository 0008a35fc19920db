/**
 * What users see of their money, in a real browser: the account's figures after asking, its history as a file, keys,
 * buying on the simulated Stripe's page and back, and the account's end. Screenshots go to test-output/browser.
 */
import { readFileSync } from 'node:fs'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Dev, startDev } from './dev.ts'
import {
  accessibilityFaults,
  ask,
  phone,
  readBalance,
  shoot,
  signIn,
  startBrowser,
  untilBalance,
  untilRead,
  type Window,
} from './steps.ts'

describe('the account and buy pages', () => {
  let dev: Dev
  let browser: Window
  beforeAll(async () => {
    browser = await startBrowser()
    dev = await startDev('server')
  })
  afterAll(async () => {
    await browser?.close()
    await dev?.stop()
  })

  const openAs = async (email: string, options = {}) => {
    const page = await browser.open({ reducedMotion: 'reduce', ...options })
    await signIn(page, dev.webUrl, email)
    return page
  }
  const visit = async (page: Page, path: string) => {
    await page.goto(`${dev.webUrl}${path}`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await untilRead(page)
  }
  const check = async (page: Page, name: string) => {
    await shoot(page, name)
    expect(await accessibilityFaults(page), name).toEqual([])
  }

  it('shows what answers cost: the balance, sums and charts of use, the history and its file', async () => {
    const page = await openAs('ada@example.com')
    const before = await readBalance(page)
    const costs = [await ask(page, 'Browser', 'What does a fare gate do?')]
    costs.push(await ask(page, 'Server route', 'And who pays?'))
    const spent = costs.reduce((sum, cost) => sum + cost, 0)

    await visit(page, '/account')
    const available = Number(await page.getByTestId('available').getAttribute('value'))
    expect(available).toBeCloseTo(before - spent, 6)
    expect(await page.getByTestId('plan').textContent()).toBe('free')
    expect((await rows(page, 'The models of your plan')).toSorted()).toEqual([
      expect.stringMatching(/^fast about [\d,]+ messages left$/),
      expect.stringMatching(/^gpt-5-mini about [\d,]+ messages left$/),
    ])
    expect(await page.getByRole('progressbar', { name: /^Allowance: .* of 50 credits left$/ }).count()).toBe(
      1,
    )

    await visit(page, '/account?view=usage')
    expect(await page.getByTestId('total-Requests').textContent()).toBe('2')
    const chart = await page.getByRole('img', { name: /credits spent on each of 30 days/ }).ariaSnapshot()
    expect(chart).toContain('in all')
    await page.getByRole('radiogroup', { name: 'Charts or tables' }).getByText('Tables').click()
    const [today] = await rows(page, 'Usage by day, newest first')
    expect(Number(today?.split(' ').at(-1))).toBeCloseTo(spent, 6)
    expect(await rows(page, 'Usage by model, dearest first')).toEqual([expect.stringMatching(/^fast 2 /)])
    await page.getByRole('radiogroup', { name: 'How far back' }).getByText('90 days').click()
    await page.getByRole('radiogroup', { name: 'Charts or tables' }).getByText('Charts').click()
    await page.getByRole('img', { name: /credits spent on each of 90 days/ }).waitFor()

    await visit(page, '/account?view=history')
    const history = await rows(page, 'Entries of the account, with your local time')
    expect(history.filter((row) => /Answer ?fast/.test(row))).toHaveLength(2)
    const file = await save(page, page.getByRole('button', { name: 'Download CSV' }))
    expect(file.name).toMatch(/^entries-\d{4}-\d\d-\d\d\.csv$/)
    const [header, ...lines] = file.text.trimEnd().split('\r\n')
    expect(header).toMatch(/^\uFEFFat,kind,what,credits,model,/)
    expect(lines).toHaveLength(history.length)
    const sum = lines.reduce((total, line) => total + Number(line.split(',')[3]), 0)
    expect(sum).toBeCloseTo(available, 6)
  })

  it('makes a key that spends until it is revoked', async () => {
    const page = await openAs('grace@example.com')
    await visit(page, '/account?view=keys')
    await page.getByText('You have no keys.').waitFor()
    await page.getByRole('button', { name: 'New key' }).click()
    await page.getByLabel('Name').fill('Nightly report')
    await page.getByLabel('May spend at most').fill('5')
    await check(page, 'account-new-key')
    await page.getByRole('button', { name: 'Make the key' }).click()
    const secret = (await page.getByTestId('secret').textContent()) ?? ''
    expect(secret).toMatch(/^fg_/)
    expect(await askWithKey(dev, secret)).toBe(200)
    await page.getByRole('button', { name: 'I have it' }).click()

    await visit(page, '/account?view=keys')
    expect(await page.content()).not.toContain(secret)
    expect(await rows(page, 'Your keys that still live')).toEqual([
      expect.stringMatching(/^Nightly report .* of 5 Revoke$/),
    ])
    await page.getByRole('button', { name: 'Revoke Nightly report' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).click()
    await page.getByText('You have no keys.').waitFor()
    expect(await askWithKey(dev, secret)).toBe(401)
  })

  it('buys a pack on the hosted page, shows the credits and the receipt, and tops up by itself', async () => {
    const page = await openAs('charles@example.com')
    const before = await readBalance(page)
    await visit(page, '/buy')
    await page.getByText('Buy a pack once by card first').waitFor()
    await page.getByRole('button', { name: 'Buy Starter for $10' }).click()
    await pay(page)
    await page.getByText('Your credits are here').waitFor()
    await untilBalance(page, before + 1000)
    await shoot(page, 'buy-arrived')
    expect(await rows(page, 'Payments of the account')).toEqual([
      expect.stringMatching(/Starter 1,000 \$10 paid Receipt$/),
    ])
    const opening = page.waitForEvent('popup')
    await page.getByRole('button', { name: 'Receipt for Starter' }).click()
    const receipt = await opening
    await receipt.getByText('$10.00').first().waitFor()
    await receipt.close()

    await page.getByRole('switch', { name: 'Auto top-up' }).click({ force: true })
    await page.getByLabel('When fewer are left than').fill('50')
    await page.getByRole('button', { name: 'Turn on' }).click()
    await page.getByText('Buys Starter when fewer than 50 credits are left.').waitFor()
    await check(page, 'buy-auto-top-up')
  })

  it('says so when the checkout was left', async () => {
    const page = await openAs('charles@example.com')
    await visit(page, '/buy?checkout=canceled')
    await page.getByText('Nothing was bought', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Close this notice' }).click()
    await page.waitForURL(`${dev.webUrl}/buy`)
  })

  it('subscribes with Clerk’s own components, and the new plan is there at once', async () => {
    const page = await openAs('charles@example.com')
    await visit(page, '/account')
    expect(await page.getByTestId('plan').textContent()).toBe('payAsYouGo')
    await visit(page, '/buy')
    const before = await readBalance(page)
    const pro = page.locator('.cl-pricingTableCard').filter({ hasText: 'Every model' })
    await pro.getByRole('button', { name: 'Switch to this plan' }).click()
    await page.getByRole('button', { name: 'Pay with test card' }).click()
    await page.getByRole('button', { name: 'Continue', exact: true }).click()
    await page.getByText('Your plan has begun').waitFor()
    await untilBalance(page, before + 2000)
    await page.getByText('In force now: pro.').waitFor()
    await shoot(page, 'buy-subscribed')
  })

  it('shows each member’s spending in an organization, by name', async () => {
    const page = await openAs('katherine@example.com')
    await ask(page, 'Browser', 'What does a fare gate do?')
    await visit(page, '/account?view=usage')
    await page.getByText('Acme pays for what its members ask.').waitFor()
    await page.getByText('Katherine Johnson (you)').waitFor()
    await check(page, 'account-organization')
  })

  const views = [
    ['light-wide', { colorScheme: 'light' }],
    ['dark-phone', { colorScheme: 'dark', ...phone }],
    ['light-phone', { colorScheme: 'light', ...phone }],
    ['dark-wide', { colorScheme: 'dark' }],
  ] as const
  it.each(views)('is accessible: %s', async (look, options) => {
    const page = await openAs('ada@example.com', options)
    for (const view of ['overview', 'usage', 'history', 'keys', 'data']) {
      await visit(page, `/account?view=${view}`)
      await check(page, `account-${view}-${look}`)
    }
    await visit(page, '/buy')
    await check(page, `buy-${look}`)
  })

  it('gives all that is kept as a file, and deletes it when asked to', async () => {
    const page = await openAs('ada@example.com')
    await visit(page, '/account?view=data')
    const file = await save(page, page.getByRole('button', { name: 'Download', exact: true }))
    expect(JSON.parse(file.text)).toMatchObject({
      account: { id: 'clerk:user_free' },
      entries: expect.arrayContaining([expect.objectContaining({ kind: 'charge' })]),
      payments: [],
      usage: expect.any(Array),
    })
    await page.getByRole('button', { name: 'Delete…' }).click()
    const confirm = page.getByRole('button', { name: 'Delete for good' })
    expect(await confirm.isDisabled()).toBe(true)
    await check(page, 'account-delete')
    await page.getByLabel('Type “delete” to confirm').fill('delete')
    await confirm.click()
    await page.getByRole('heading', { name: 'The account is deleted' }).waitFor()
    await shoot(page, 'account-deleted')
  })

  it('throws no error in the page', () => expect(browser.errors).toEqual([]))
})

/** The rows of the table with this caption, each as one text. */
async function rows(page: Page, caption: string): Promise<string[]> {
  const table = page.getByRole('table', { name: caption })
  await table.waitFor()
  const texts = await table
    .locator('tbody tr')
    .evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent).join(' ')))
  return texts.map((text) => text.replace(/\s+/g, ' ').trim())
}

async function save(page: Page, button: Locator): Promise<{ name: string; text: string }> {
  const coming = page.waitForEvent('download')
  await button.click()
  const download = await coming
  return { name: download.suggestedFilename(), text: readFileSync(await download.path(), 'utf8') }
}

/** Pays on the simulated Stripe's page; resolves when the browser is back. */
async function pay(page: Page): Promise<void> {
  await page.getByLabel('Email').fill('buyer@example.com')
  await page.getByRole('button', { name: /^Pay/ }).click()
  await page.waitForURL(/checkout=done/)
}

async function askWithKey({ gatewayUrl }: Dev, key: string): Promise<number> {
  const response = await fetch(`${gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'fast', messages: [{ role: 'user', content: 'Hello?' }] }),
  })
  await response.text()
  return response.status
}
