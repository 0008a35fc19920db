'use client'

import { type ReactNode, useSyncExternalStore } from 'react'

const never = () => () => {}

/**
 * Shows its children in the browser only, once the page is alive. Clerk's components render nothing on the server,
 * but at once where Clerk's script came first: React then finds a page that is not the server's and complains.
 */
export function Hydrated({ children }: { children: ReactNode }) {
  const isHydrated = useSyncExternalStore(
    never,
    () => true,
    () => false,
  )
  return isHydrated ? children : null
}
