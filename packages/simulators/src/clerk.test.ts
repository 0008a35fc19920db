/** The simulated Clerk over HTTP, as a browser and as a verifier meet it. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, importSPKI, jwtVerify } from 'jose'
import { afterEach, describe, expect, test } from 'vitest'
import { APP, createStarter, openBrowser } from './test-kit.ts'

const { start, stopAll } = createStarter()
afterEach(stopAll)

describe('tokens', () => {
  test('a minted token verifies against the JWKS and against the PEM', async () => {
    const clerk = await start()
    const token = await clerk.mint({ user: 'pro' })
    const jwks = createRemoteJWKSet(new URL('/.well-known/jwks.json', clerk.url))
    const { payload, protectedHeader } = await jwtVerify(token, jwks, { issuer: clerk.issuer })
    await jwtVerify(token, await importSPKI(clerk.jwtKey, 'RS256'))
    expect(protectedHeader).toMatchObject({ alg: 'RS256', typ: 'JWT' })
    expect(payload).toMatchObject({
      sub: 'user_pro',
      azp: APP,
      v: 2,
      sts: 'active',
      fva: [0, -1],
      pla: 'u:pro',
    })
    expect(payload.sid).toMatch(/^sess_/)
    expect(Number(payload.exp) - Number(payload.iat)).toBe(60)
    expect(Number(payload.iat) - Number(payload.nbf)).toBe(10)
    expect(clerk.requests['/.well-known/jwks.json']).toBe(1)
  })

  test('the publishable key names the issuer', async () => {
    const clerk = await start()
    const host = Buffer.from(clerk.publishableKey.slice('pk_test_'.length), 'base64').toString()
    expect(`https://${host}`).toBe(`${clerk.issuer}$`)
  })

  test('an organization is in the token and its plan pays', async () => {
    const clerk = await start()
    const seeded = decodeJwt(await clerk.mint({ user: 'team' }))
    expect(seeded).toMatchObject({ pla: 'o:team', o: { id: 'org_acme', slg: 'acme', rol: 'admin' } })
    expect(decodeJwt(await clerk.mint({ user: 'team', organization: null }))).not.toHaveProperty('o')
    const other = await clerk.mint({ user: 'user_2x', organization: 'org_7', plan: 'team' })
    expect(decodeJwt(other)).toMatchObject({ sub: 'user_2x', pla: 'o:team', o: { id: 'org_7' } })
  })

  test('overrides set and take away any claim and header', async () => {
    const clerk = await start()
    const token = await clerk.mint({
      overrides: { claims: { azp: undefined, sts: 'pending' }, header: { cat: undefined, typ: 'at+jwt' } },
    })
    expect(decodeJwt(token)).not.toHaveProperty('azp')
    expect(decodeJwt(token)).toMatchObject({ sts: 'pending' })
    expect(decodeProtectedHeader(token)).toEqual({
      alg: 'RS256',
      kid: decodeProtectedHeader(token).kid,
      typ: 'at+jwt',
    })
  })

  test('POST /dev/token gives a token and when it expires, or says who does not exist', async () => {
    const clerk = await start()
    const post = (body: object) =>
      fetch(`${clerk.url}/dev/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    const { token, expiresAt } = await (await post({ user: 'free' })).json()
    expect(decodeJwt(token)).toMatchObject({ sub: 'user_free', pla: 'u:free_user' })
    expect(Date.parse(expiresAt)).toBe(Number(decodeJwt(token).exp) * 1000)
    expect((await post({ user: 'nobody' })).status).toBe(400)
    expect((await fetch(`${clerk.url}/dev/token`, { method: 'POST' })).status).toBe(200)
  })

  test('rotation: old tokens verify only while the old key stays published', async () => {
    const clerk = await start()
    const before = await clerk.mint()
    const fresh = () => createRemoteJWKSet(new URL('/v1/jwks', clerk.url))
    clerk.rotateKeys({ keepPrevious: true })
    await jwtVerify(before, fresh())
    await jwtVerify(await clerk.mint(), fresh())
    clerk.rotateKeys()
    await jwtVerify(await clerk.mint(), fresh())
    await expect(jwtVerify(before, fresh())).rejects.toThrow('no applicable key')
  })

  test('a JWKS fault answers 500 or nothing', async () => {
    const clerk = await start()
    clerk.faults.jwks = 'error'
    expect((await fetch(`${clerk.url}/v1/jwks`)).status).toBe(500)
    clerk.faults.jwks = 'hang'
    await expect(fetch(`${clerk.url}/v1/jwks`, { signal: AbortSignal.timeout(100) })).rejects.toThrow()
  })
})

describe('signing in', () => {
  test('a wrong password is refused in words of Clerk, the right one signs in', async () => {
    const clerk = await start()
    const browser = await openBrowser(clerk)
    const wrong = await browser.signIn('ada@example.com', 'wrong')
    expect(wrong.status).toBe(422)
    expect(wrong.body.errors[0]).toMatchObject({
      code: 'form_password_incorrect',
      meta: { param_name: 'password' },
    })
    const right = await browser.signIn('ada@example.com')
    expect(right.body.response).toMatchObject({ status: 'complete' })
    expect(right.body.client.sessions[0]).toMatchObject({ user: { id: 'user_free' }, status: 'active' })
    expect(decodeJwt(right.body.client.sessions[0].last_active_token.jwt)).toMatchObject({
      sub: 'user_free',
      azp: APP,
    })
  })

  test('an unknown address is refused', async () => {
    const browser = await openBrowser(await start())
    const { status, body } = await browser.call('/client/sign_ins', { identifier: 'nobody@example.com' })
    expect([status, body.errors[0].code]).toEqual([422, 'form_identifier_not_found'])
  })

  test('two browsers are two users', async () => {
    const clerk = await start()
    const [first, second] = [await openBrowser(clerk), await openBrowser(clerk)]
    await first.signIn('ada@example.com')
    await second.signIn('grace@example.com')
    const userOf = async (browser: typeof first) =>
      (await browser.call('/client')).body.response.sessions[0].user.id
    expect([await userOf(first), await userOf(second)]).toEqual(['user_free', 'user_pro'])
  })

  test('a token is refreshed for the session, with or without its organization', async () => {
    const clerk = await start()
    const browser = await openBrowser(clerk)
    const signedIn = await browser.signIn('katherine@example.com')
    const path = `/client/sessions/${signedIn.body.response.created_session_id}/tokens`
    const own = await browser.call(path, { organization_id: '' })
    const team = await browser.call(path, { organization_id: 'org_acme' })
    expect(decodeJwt(own.body.jwt)).toMatchObject({ sub: 'user_team', pla: 'u:free_user' })
    expect(decodeJwt(team.body.jwt)).toMatchObject({ pla: 'o:team' })
    expect((await browser.call(path, { organization_id: 'org_other' })).status).toBe(403)
    expect(clerk.requests['/v1/client/sessions/:sessionId/tokens']).toBe(3)
  })

  test('signing out ends the session and its tokens', async () => {
    const clerk = await start()
    const browser = await openBrowser(clerk)
    const signedIn = await browser.signIn('ada@example.com')
    const signedOut = await browser.call('/client/sessions', {}, 'DELETE')
    expect(signedOut.body.client.sessions).toEqual([])
    const path = `/client/sessions/${signedIn.body.response.created_session_id}/tokens`
    expect((await browser.call(path, {})).status).toBe(401)
  })

  test('a handshake hands the session to the app, and to no other site', async () => {
    const clerk = await start()
    const browser = await openBrowser(clerk)
    await browser.signIn('ada@example.com')
    const handshake = (target: string) =>
      fetch(
        `${clerk.url}/v1/client/handshake?__clerk_db_jwt=${browser.id}&redirect_url=${encodeURIComponent(target)}`,
        { redirect: 'manual' },
      )
    const back = new URL((await handshake(`${APP}/page`)).headers.get('location') ?? '')
    const { handshake: cookies } = decodeJwt(back.searchParams.get('__clerk_handshake') ?? '')
    expect(back.origin + back.pathname).toBe(`${APP}/page`)
    expect(JSON.stringify(cookies)).toMatch(/__session=ey/)
    expect((await handshake('https://elsewhere.example')).status).toBe(400)
  })

  test('pages of other sites get no answer', async () => {
    const clerk = await start()
    const response = await fetch(`${clerk.url}/dev/token`, {
      method: 'POST',
      headers: { origin: 'https://elsewhere.example' },
    })
    expect(response.status).toBe(403)
  })

  test('a state file keeps keys and sessions over a restart', async () => {
    const stateFile = join(mkdtempSync(join(tmpdir(), 'clerk-')), 'new-folder', 'state.json')
    const first = await start({ stateFile })
    const browser = await openBrowser(first)
    await browser.signIn('grace@example.com')
    await first.stop()
    const second = await start({ stateFile })
    expect(second.jwtKey).toBe(first.jwtKey)
    const again = await openBrowser(second, browser.id)
    expect((await again.call('/client')).body.response.sessions[0].user.id).toBe('user_pro')
  })

  test("Clerk's own scripts are served, and nothing else of the disk", async () => {
    const clerk = await start()
    const script = await fetch(clerk.environment.NEXT_PUBLIC_CLERK_JS_URL ?? '')
    expect([script.status, script.headers.get('content-type')]).toEqual([
      200,
      'text/javascript; charset=utf-8',
    ])
    await script.body?.cancel()
    const outside = `${clerk.url}/npm/@clerk/clerk-js@6/dist/..%2Fpackage.json`
    expect((await fetch(outside)).status).toBe(404)
  })
})
