/** Every page in both schemes, wide and on a phone, as axe sees it: nothing serious may be wrong. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Dev, startDev } from './dev.ts'
import {
  accessibilityFaults,
  ask,
  phone,
  shoot,
  signIn,
  startBrowser,
  submit,
  untilRead,
  type Window,
} from './steps.ts'

describe('the pages are accessible', () => {
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

  const views = [
    ['light', 'wide', {}],
    ['dark', 'wide', {}],
    ['light', 'phone', phone],
    ['dark', 'phone', phone],
  ] as const

  const check = async (page: Page, name: string) => {
    await shoot(page, name)
    expect(await accessibilityFaults(page), name).toEqual([])
  }

  it('finds a fault that is planted', async () => {
    const page = await browser.open()
    await page.goto(dev.webUrl)
    await page.evaluate(() => document.querySelector('main')?.append(document.createElement('button')))
    expect(await accessibilityFaults(page)).toEqual([expect.stringContaining('button-name')])
  })

  it.each(views)('signed out, %s, %s', async (scheme, width, screen) => {
    const page = await browser.open({ colorScheme: scheme, reducedMotion: 'reduce', ...screen })
    await page.goto(dev.webUrl)
    await page.getByRole('heading', { name: 'Your login is your AI key.' }).waitFor()
    await check(page, `landing-${scheme}-${width}`)
    await page.goto(`${dev.webUrl}/sign-in`)
    await page.locator('input[name=identifier]').waitFor()
    await check(page, `sign-in-${scheme}-${width}`)
    await page.goto(`${dev.webUrl}/sign-up`)
    await page.locator('.cl-cardBox').waitFor()
    await check(page, `sign-up-${scheme}-${width}`)
  })

  it.each(views)('signed in, %s, %s', async (scheme, width, screen) => {
    const page = await browser.open({ colorScheme: scheme, reducedMotion: 'reduce', ...screen })
    await signIn(page, dev.webUrl, 'grace@example.com')
    await page.getByRole('heading', { name: 'Hello, Grace.' }).waitFor()
    await check(page, `chat-empty-${scheme}-${width}`)
    await ask(page, 'Browser', 'Write a TypeScript function that groups a list.')
    await ask(page, 'Server route', 'What is the weather in London?')
    await check(page, `chat-${scheme}-${width}`)
    await page.getByRole('button', { name: 'Code', exact: true }).click()
    await page.getByRole('heading', { name: 'Ask through a server route' }).waitFor()
    await check(page, `chat-code-${scheme}-${width}`)
    for (const path of ['account', 'buy']) {
      await page.goto(`${dev.webUrl}/${path}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await untilRead(page)
      await check(page, `${path}-pro-${scheme}-${width}`)
    }
  })

  it('a refusal, in the dark', async () => {
    const page = await browser.open({ colorScheme: 'dark', reducedMotion: 'reduce' })
    await signIn(page, dev.webUrl, 'charles@example.com')
    await submit(page, 'Browser', 'Hello?')
    await page.getByTestId('problem').waitFor()
    await check(page, 'refused-dark-wide')
  })
})
