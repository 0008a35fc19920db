/** Clerk's check in front of every page and route: it keeps the session cookies fresh and feeds `auth()`. */
import { clerkMiddleware } from '@clerk/nextjs/server'
import { NextResponse } from 'next/server'
import { hasClerkKeys } from './lib/settings.ts'

// Clerk reads its other variables itself. A PEM often arrives with its line breaks spelled out.
const jwtKey = process.env.CLERK_JWT_KEY?.replaceAll('\\n', '\n')
const clerk = clerkMiddleware({
  signInUrl: '/sign-in',
  signUpUrl: '/sign-up',
  ...(jwtKey && { jwtKey }),
})

// Without keys the layout says what to do; Clerk's middleware would answer every page with 500 instead.
export default hasClerkKeys() ? clerk : () => NextResponse.next()

export const config = {
  matcher: [
    // All pages, but not Next's own files or static ones.
    '/((?!_next|[^?]*\\.(?:html?|css|js(?!on)|jpe?g|webp|png|gif|svg|ttf|woff2?|ico|csv|docx?|xlsx?|zip|webmanifest)).*)',
    '/(api|trpc)(.*)',
  ],
}
