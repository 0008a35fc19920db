/** Signing up with email address and password. No email is sent and no code is asked for: the address counts at once. */
import type { SignUpAttempt } from './browsers.ts'
import { type BrowserCall, type Frontend, type FrontendApiParts, refuse } from './caller.ts'
import type { Route } from './http.ts'
import { hashPassword, PASSWORD_LENGTH_MIN } from './passwords.ts'
import { randomId } from './random-id.ts'
import { type FrontendApiError, signUpResource } from './resources.ts'

const NO_SIGN_UP: FrontendApiError = {
  status: 404,
  code: 'resource_not_found',
  message: 'No sign up was found. Start again.',
}
const TAKEN: FrontendApiError = {
  status: 422,
  code: 'form_identifier_exists',
  message: 'That email address is taken. Please try another.',
  param: 'email_address',
}
const NO_ADDRESS: FrontendApiError = {
  status: 422,
  code: 'form_param_format_invalid',
  message: 'email_address must be a valid email address.',
  param: 'email_address',
}

/** A password that is too short, by the name of its field. */
export function passwordTooShort(param: string): FrontendApiError {
  return {
    status: 422,
    code: 'form_password_length_too_short',
    message: `Passwords must be ${PASSWORD_LENGTH_MIN} characters or more.`,
    param,
  }
}

/** Whether text has the form of an email address. */
export function isEmailAddress(text: string): boolean {
  return text.length <= 254 && /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(text)
}

/** The routes of a sign-up. */
export function signUpRoutes(parts: FrontendApiParts, frontend: Frontend): Route[] {
  const path = '/v1/client/sign_ups'
  const own = (call: BrowserCall) =>
    call.browser.signUp?.id === call.params.signUpId ? call.browser.signUp : null
  return [
    frontend.route('POST', path, (call) =>
      go(parts, frontend, call, {
        id: `sua_${randomId()}`,
        email: null,
        passwordHash: null,
        firstName: null,
        lastName: null,
      }),
    ),
    frontend.route('GET', `${path}/:signUpId`, (call) => {
      const attempt = own(call)
      return attempt ? frontend.answer(call, signUpResource(attempt)) : refuse(NO_SIGN_UP)
    }),
    frontend.route('PATCH', `${path}/:signUpId`, (call) => {
      const attempt = own(call)
      return attempt ? go(parts, frontend, call, attempt) : refuse(NO_SIGN_UP)
    }),
  ]
}

/** Takes the fields of a form in, and makes the user once nothing is missing. */
function go(parts: FrontendApiParts, frontend: Frontend, call: BrowserCall, before: SignUpAttempt): Response {
  const { email_address: email, password, first_name: firstName, last_name: lastName } = call.fields
  if (email && !isEmailAddress(email.trim())) return refuse(NO_ADDRESS)
  if (email && parts.directory.userByEmail(email)) return refuse(TAKEN)
  if (password && password.length < PASSWORD_LENGTH_MIN) return refuse(passwordTooShort('password'))
  const attempt: SignUpAttempt = {
    id: before.id,
    email: email?.trim() || before.email,
    passwordHash: password ? hashPassword(password) : before.passwordHash,
    firstName: firstName?.trim() || before.firstName,
    lastName: lastName?.trim() || before.lastName,
  }
  call.browser.signUp = attempt
  return attempt.email && attempt.passwordHash
    ? complete(parts, frontend, call, {
        ...attempt,
        email: attempt.email,
        passwordHash: attempt.passwordHash,
      })
    : frontend.answer(call, signUpResource(attempt))
}

function complete(
  parts: FrontendApiParts,
  frontend: Frontend,
  call: BrowserCall,
  attempt: SignUpAttempt & { email: string; passwordHash: string },
): Response {
  const { email, passwordHash, firstName, lastName } = attempt
  // Somebody else may have taken it since this sign-up began.
  if (parts.directory.userByEmail(email)) return refuse(TAKEN)
  const user = parts.directory.addUser({ email, passwordHash, firstName, lastName })
  parts.announcer.user('created', user)
  parts.billing.open(user.id)
  const session = parts.browsers.signIn(call.browser, user)
  parts.announcer.session('created', session, call.browser)
  return frontend.answer(call, signUpResource(attempt, { userId: user.id, sessionId: session.id }))
}
