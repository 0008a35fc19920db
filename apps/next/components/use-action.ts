'use client'

import { useAuth } from '@clerk/nextjs'
import { useState } from 'react'
import type { GetToken } from '../lib/gateway.ts'
import { describeProblem, type Problem } from '../lib/problems.ts'

/** Something that a button does at the gateway. */
export type Action<Input> = {
  run: (input: Input) => Promise<void>
  isRunning: boolean
  problem: Problem | undefined
  /** Forgets the problem. */
  clear: () => void
}

/** Does something at the gateway, one at a time, and keeps what went wrong. */
export function useAction<Input = void>(
  act: (getToken: GetToken, input: Input) => Promise<void>,
): Action<Input> {
  const { getToken } = useAuth()
  const [isRunning, setIsRunning] = useState(false)
  const [problem, setProblem] = useState<Problem>()
  const run = async (input: Input) => {
    if (isRunning) return
    setIsRunning(true)
    setProblem(undefined)
    try {
      await act(getToken, input)
    } catch (error) {
      setProblem(describeProblem(error))
    } finally {
      setIsRunning(false)
    }
  }
  return { run, isRunning, problem, clear: () => setProblem(undefined) }
}
