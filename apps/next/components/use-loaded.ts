'use client'

import { useAuth } from '@clerk/nextjs'
import { useCallback, useEffect, useRef, useState } from 'react'
import type { GetToken } from '../lib/gateway.ts'
import { describeProblem, type Problem } from '../lib/problems.ts'
import { useCredits } from './credits-provider.tsx'

/** What a page has read from the gateway. */
export type Loaded<Value> = {
  /** What was read last for this payer; while something else is being read, still the old. */
  value: Value | undefined
  problem: Problem | undefined
  isLoading: boolean
  reload: () => Promise<void>
}

type Known<Value> = { payer: string; name: string; value?: Value | undefined; problem?: Problem | undefined }

/** Reads something of the account that pays, and again when another account pays or `name` changes. */
export function useLoaded<Value>(name: string, load: (getToken: GetToken) => Promise<Value>): Loaded<Value> {
  const { payer } = useCredits()
  const { getToken } = useAuth()
  const [known, setKnown] = useState<Known<Value>>()
  const asked = useRef({ payer, name, load })
  asked.current = { payer, name, load }

  const reload = useCallback(async () => {
    if (!payer) return
    const isStillAsked = () => asked.current.payer === payer && asked.current.name === name
    try {
      const value = await asked.current.load(getToken)
      if (isStillAsked()) setKnown({ payer, name, value })
    } catch (error) {
      const problem = describeProblem(error)
      if (isStillAsked()) setKnown((before) => ({ payer, name, value: ownOf(before, payer)?.value, problem }))
    }
  }, [getToken, payer, name])

  useEffect(() => void reload(), [reload])

  const own = ownOf(known, payer)
  return { value: own?.value, problem: own?.problem, isLoading: own?.name !== name, reload }
}

function ownOf<Value>(known: Known<Value> | undefined, payer: string | undefined): Known<Value> | undefined {
  return known?.payer === payer ? known : undefined
}
