'use client'

import { useAuth } from '@clerk/nextjs'
import { useEffect, useState } from 'react'
import type { Model } from '../../lib/contract.ts'
import { readModels, readUsage } from '../../lib/gateway.ts'
import { averageMessage, type MessageSize } from '../../lib/price.ts'
import { useCredits } from '../credits-provider.tsx'

/** The models of the plan, and how long the account's messages are on average. */
export type Models = { models: Model[]; size: MessageSize }

/** Reads them once per payer and plan; until then, and where that fails, there are none to choose from. */
export function useModels(): Models {
  const { getToken } = useAuth()
  const { payer, account } = useCredits()
  const plan = account?.plan
  const [known, setKnown] = useState<Models>({ models: [], size: averageMessage([]) })
  useEffect(() => {
    if (!payer || !plan) return
    let isCurrent = true
    const read = async () => {
      const [models, rows] = await Promise.all([
        readModels(getToken).catch(() => []),
        readUsage(getToken, { by: 'model' }).then(
          ({ data }) => data,
          () => [],
        ),
      ])
      if (isCurrent) setKnown({ models, size: averageMessage(rows) })
    }
    void read()
    return () => {
      isCurrent = false
    }
  }, [getToken, payer, plan])
  return known
}
