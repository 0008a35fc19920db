'use client'

import { useAuth, useSession } from '@clerk/nextjs'
import { createContext, type ReactNode, use, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import type { Account } from '../lib/contract.ts'
import { readAccount } from '../lib/gateway.ts'
import { describeProblem, type Problem } from '../lib/problems.ts'

const SETTLING_READS_MAX = 6
const SETTLING_PAUSE_MS = 500

/** The account that pays, kept live on the page. */
export type Credits = {
  /** Who is signed in and for which organization, as one text; undefined until Clerk knows, or signed out. */
  payer: string | undefined
  account: Account | undefined
  /** Why the account could not be read. */
  problem: Problem | undefined
  /** Reads the account anew; while credits are held for an answer that has ended, again, a bounded number of times. */
  refresh: () => Promise<void>
  /** Takes what an answer said is left. */
  noteAvailable: (available: number) => void
}

const CreditsContext = createContext<Credits | undefined>(undefined)

/**
 * Reads the account once per payer. From then on the balance falls by what the answers themselves say is left; the
 * gateway is asked again only after a purchase or an answer that ended without saying so.
 */
export function CreditsProvider({ children }: { children: ReactNode }) {
  const payer = usePayer()
  const { getToken } = useAuth()
  const [known, setKnown] = useState<{ payer: string; account?: Account; problem?: Problem | undefined }>()
  const current = useRef(payer)
  current.current = payer

  const refresh = useCallback(async () => {
    if (!payer) return
    try {
      for (let read = 0; read < SETTLING_READS_MAX && current.current === payer; read++) {
        if (read > 0) await new Promise((resolve) => setTimeout(resolve, SETTLING_PAUSE_MS))
        const account = await readAccount(getToken)
        setKnown({ payer, account })
        if (account.credits.held === 0) return
      }
    } catch (error) {
      setKnown((before) => ({ ...before, payer, problem: describeProblem(error) }))
    }
  }, [getToken, payer])

  const noteAvailable = useCallback(
    (available: number) =>
      setKnown((before) => {
        if (before?.payer !== payer || !before?.account) return before
        const { account } = before
        return { ...before, account: { ...account, credits: { ...account.credits, available, held: 0 } } }
      }),
    [payer],
  )

  useEffect(() => void refresh(), [refresh])

  const credits = useMemo(() => {
    // What is known of an earlier payer is not this one's.
    const own = known?.payer === payer ? known : undefined
    return { payer, account: own?.account, problem: own?.problem, refresh, noteAvailable }
  }, [payer, known, refresh, noteAvailable])
  return <CreditsContext value={credits}>{children}</CreditsContext>
}

/** The account that pays, kept live. */
export function useCredits(): Credits {
  const credits = use(CreditsContext)
  if (!credits) throw new Error('useCredits needs a CreditsProvider above it')
  return credits
}

/** Unlike useAuth, useSession has nothing for the moment after signing in in which there is no token either. */
function usePayer(): string | undefined {
  const { orgId } = useAuth()
  const { session } = useSession()
  return session ? `${session.user.id} ${orgId ?? 'personal'}` : undefined
}
