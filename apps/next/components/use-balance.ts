'use client'

import { useCallback, useEffect, useState } from 'react'
import { type Account, readAccount, SignedOut } from '../lib/account.ts'
import { describeProblem, type Problem } from '../lib/problems.ts'

const SETTLING_READS_MAX = 4
const SETTLING_PAUSE_MS = 500

/** The account on screen, why it is not there, and how to read it anew. */
export type Balance = {
  account: Account | undefined
  problem: Problem | undefined
  refresh: () => Promise<void>
}

/**
 * Reads the account on demand and whenever `payer` changes, which names who is signed in and for which organization;
 * undefined until Clerk knows. While credits are held it reads again, until they are settled.
 */
export function useBalance(getToken: () => Promise<string | null>, payer: string | undefined): Balance {
  const [account, setAccount] = useState<Account>()
  const [problem, setProblem] = useState<Problem>()
  const refresh = useCallback(async () => {
    try {
      for (let read = 0; read < SETTLING_READS_MAX; read++) {
        const token = await getToken()
        if (!token) throw new SignedOut()
        const current = await readAccount(token)
        setAccount(current)
        setProblem(undefined)
        if (Number(current.credits.held) === 0) return
        await new Promise((resolve) => setTimeout(resolve, SETTLING_PAUSE_MS))
      }
    } catch (error) {
      setProblem(describeProblem(error))
    }
  }, [getToken])
  useEffect(() => {
    if (payer) void refresh()
  }, [payer, refresh])
  return { account, problem, refresh }
}
