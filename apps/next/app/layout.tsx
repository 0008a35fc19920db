import { ClerkProvider, Show, UserButton } from '@clerk/nextjs'
import type { Metadata, Viewport } from 'next'
import Link from 'next/link'
import type { ReactNode } from 'react'
import { Hydrated } from '../components/hydrated.tsx'
import { Missing } from '../components/missing.tsx'
import { hasClerkKeys } from '../lib/settings.ts'
import './globals.css'
import './pages.css'

export const metadata: Metadata = {
  title: 'Faregate',
  description: 'Signed-in users call AI models with their login, and pay with prepaid credits.',
}

// Who is signed in, and whether there are keys at all, is known when a page is asked for and not when it is built.
export const dynamic = 'force-dynamic'

export const viewport: Viewport = { colorScheme: 'light dark' }

export default function RootLayout({ children }: { children: ReactNode }) {
  const page = hasClerkKeys() ? (
    <ClerkProvider signInUrl="/sign-in" afterSignOutUrl="/">
      <Header
        account={
          <Show when="signed-in">
            <Hydrated>
              <UserButton />
            </Hydrated>
          </Show>
        }
      />
      {children}
    </ClerkProvider>
  ) : (
    <>
      <Header />
      <Missing />
    </>
  )
  return (
    <html lang="en">
      <body>{page}</body>
    </html>
  )
}

function Header({ account }: { account?: ReactNode }) {
  return (
    <header className="header">
      <Link className="brand" href="/">
        <span className="brand-mark" aria-hidden="true" />
        Faregate
      </Link>
      <div className="header-account">{account}</div>
    </header>
  )
}
