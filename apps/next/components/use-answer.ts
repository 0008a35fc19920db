'use client'

import { useRef, useState } from 'react'
import type { Question, Receipt } from '../lib/ask.ts'
import { describeProblem, type Problem } from '../lib/problems.ts'

/** A way to ask. */
export type Asker = (question: Question) => Promise<Receipt | undefined>

/** One answer: nothing yet, coming, or ended well, by the user or by a problem. */
export type Answer = {
  state: 'idle' | 'waiting' | 'streaming' | 'done' | 'stopped' | 'failed'
  text: string
  receipt: Receipt | undefined
  problem: Problem | undefined
}

const NOTHING: Answer = { state: 'idle', text: '', receipt: undefined, problem: undefined }

/** Holds the one answer on screen. `ask` settles when it has ended, however it did. */
export function useAnswer() {
  const [answer, setAnswer] = useState(NOTHING)
  const running = useRef<AbortController>(undefined)

  const ask = async (asker: Asker, question: Omit<Question, 'signal' | 'onText'>): Promise<void> => {
    const controller = new AbortController()
    running.current = controller
    setAnswer({ ...NOTHING, state: 'waiting' })
    let hasBegun = false
    const onText = (text: string) => {
      hasBegun = true
      setAnswer((before) => ({ ...before, state: 'streaming', text: before.text + text }))
    }
    try {
      const receipt = await asker({ ...question, signal: controller.signal, onText })
      const state = controller.signal.aborted ? 'stopped' : 'done'
      setAnswer((before) => ({ ...before, state, receipt }))
    } catch (error) {
      const problem = describeProblem(error, hasBegun)
      setAnswer((before) => ({ ...before, state: problem ? 'failed' : 'stopped', problem }))
    }
  }

  return { answer, ask, stop: () => running.current?.abort() }
}
