/** Signing in with email address and password. */

import { type BrowserCall, type Frontend, type FrontendApiParts, refuse } from './caller.ts'
import type { Route } from './http.ts'
import { isPassword } from './passwords.ts'
import { randomId } from './random-id.ts'
import { type FrontendApiError, signInResource } from './resources.ts'

const NO_ACCOUNT: FrontendApiError = {
  status: 422,
  code: 'form_identifier_not_found',
  message: "Couldn't find your account.",
  param: 'identifier',
}
const NO_SIGN_IN: FrontendApiError = {
  status: 404,
  code: 'resource_not_found',
  message: 'No sign in was found. Start again with your email address.',
}
const WRONG_PASSWORD: FrontendApiError = {
  status: 422,
  code: 'form_password_incorrect',
  message: 'Password is incorrect. Try again, or use another method.',
  param: 'password',
}

/** The routes of a sign-in. */
export function signInRoutes(parts: FrontendApiParts, frontend: Frontend): Route[] {
  const path = '/v1/client/sign_ins'
  return [
    frontend.route('POST', path, (call) => start(parts, frontend, call)),
    frontend.route('GET', `${path}/:signInId`, (call) => show(parts, frontend, call)),
    frontend.route('POST', `${path}/:signInId/attempt_first_factor`, (call) =>
      call.browser.signIn?.id === call.params.signInId ? complete(parts, frontend, call) : refuse(NO_SIGN_IN),
    ),
  ]
}

function start(parts: FrontendApiParts, frontend: Frontend, call: BrowserCall): Response {
  const user = parts.directory.userByEmail(call.fields.identifier ?? '')
  if (!user) return refuse(NO_ACCOUNT)
  call.browser.signIn = { id: `sia_${randomId()}`, userId: user.id }
  // Where a password manager filled both fields, the form sends both at once.
  if (call.fields.password) return complete(parts, frontend, call)
  return frontend.answer(call, signInResource(call.browser.signIn, user, null))
}

function show(parts: FrontendApiParts, frontend: Frontend, call: BrowserCall): Response {
  const { signIn } = call.browser
  const user = signIn ? parts.directory.userById(signIn.userId) : undefined
  if (!signIn || !user || signIn.id !== call.params.signInId) return refuse(NO_SIGN_IN)
  return frontend.answer(call, signInResource(signIn, user, null))
}

function complete(parts: FrontendApiParts, frontend: Frontend, call: BrowserCall): Response {
  const { signIn } = call.browser
  const user = signIn ? parts.directory.userById(signIn.userId) : undefined
  if (!signIn || !user) return refuse(NO_SIGN_IN)
  if (!isPassword(user, call.fields.password ?? '')) return refuse(WRONG_PASSWORD)
  const session = parts.browsers.signIn(call.browser, user)
  parts.announcer.session('created', session, call.browser)
  return frontend.answer(call, signInResource(signIn, user, session.id))
}
