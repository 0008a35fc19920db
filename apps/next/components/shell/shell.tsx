'use client'

import { AppShell } from '@mantine/core'
import { usePathname } from 'next/navigation'
import type { ReactNode } from 'react'
import { Footer } from './footer.tsx'
import classes from './shell.module.css'

/** The frame of every page: skip link, header, main part, footer. */
export function Shell({ header, children }: { header: ReactNode; children: ReactNode }) {
  // The chat fills the screen; a footer would only push it up.
  const isFull = usePathname().startsWith('/chat')
  return (
    <AppShell header={{ height: 60 }}>
      <a className={classes.skip} href="#main">
        Skip to the content
      </a>
      <AppShell.Header>{header}</AppShell.Header>
      <AppShell.Main id="main" tabIndex={-1} className={classes.main} mod={{ full: isFull }}>
        {children}
      </AppShell.Main>
      {!isFull && <Footer />}
    </AppShell>
  )
}
