import { ClerkProvider } from '@clerk/nextjs'
import { ColorSchemeScript, mantineHtmlProps } from '@mantine/core'
import type { Metadata, Viewport } from 'next'
import type { ReactNode } from 'react'
import { clerkAppearance } from '../components/clerk-appearance.ts'
import { CreditsProvider } from '../components/credits-provider.tsx'
import { Missing } from '../components/missing.tsx'
import { BareHeader, Header } from '../components/shell/header.tsx'
import { Shell } from '../components/shell/shell.tsx'
import { ThemeProvider } from '../components/theme-provider.tsx'
import { hasClerkKeys } from '../lib/settings.ts'
import '@mantine/core/styles.layer.css'
import '@mantine/notifications/styles.layer.css'
import '@mantine/charts/styles.layer.css'
import './globals.css'

export const metadata: Metadata = {
  title: { default: 'Faregate', template: '%s · Faregate' },
  description: 'Signed-in users call AI models with their login, and pay with prepaid credits.',
}

// Who is signed in, and whether there are keys at all, is known when a page is asked for and not when it is built.
export const dynamic = 'force-dynamic'

export const viewport: Viewport = { colorScheme: 'light dark', width: 'device-width', initialScale: 1 }

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en" {...mantineHtmlProps}>
      <head>
        <ColorSchemeScript defaultColorScheme="auto" />
      </head>
      <body>
        <ThemeProvider>{hasClerkKeys() ? <App>{children}</App> : <AppWithoutClerk />}</ThemeProvider>
      </body>
    </html>
  )
}

function App({ children }: { children: ReactNode }) {
  return (
    <ClerkProvider
      dynamic
      signInUrl="/sign-in"
      signUpUrl="/sign-up"
      signInFallbackRedirectUrl="/chat"
      signUpFallbackRedirectUrl="/chat"
      afterSignOutUrl="/"
      appearance={clerkAppearance}
    >
      <CreditsProvider>
        <Shell header={<Header />}>{children}</Shell>
      </CreditsProvider>
    </ClerkProvider>
  )
}

function AppWithoutClerk() {
  return (
    <Shell header={<BareHeader />}>
      <Missing />
    </Shell>
  )
}
