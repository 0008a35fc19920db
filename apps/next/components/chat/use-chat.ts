'use client'

import { useAuth } from '@clerk/nextjs'
import { useCallback, useEffect, useRef } from 'react'
import { type Admission, type AnswerEvent, tookAll } from '../../lib/answer-event.ts'
import { type Ask, askFromBrowser } from '../../lib/ask-from-browser.ts'
import { askThroughRoute } from '../../lib/ask-through-route.ts'
import {
  type Answer,
  type Conversation,
  isUnderWay,
  type Message,
  titleOf,
  type Way,
  withEvent,
} from '../../lib/conversation.ts'
import { findCost } from '../../lib/find-cost.ts'
import { cutForCredits, cutForLength, describeProblem } from '../../lib/problems.ts'
import { useCredits } from '../credits-provider.tsx'
import { useConversations } from './use-conversations.ts'

const ways: Record<Way, (ask: Ask) => AsyncGenerator<AnswerEvent>> = {
  browser: askFromBrowser,
  route: askThroughRoute,
}

/** How an answer is asked for. */
export type Manner = { model: string; way: Way }

/** The conversations, and what can be done in the one that is open. */
export function useChat(owner: string) {
  const conversations = useConversations(owner)
  const { open, put, change, select, remove } = conversations
  const answer = useAnswering(change)
  useMissingCosts(open, answer.alter)

  const begin = (conversation: Conversation, messages: Message[], manner: Manner) => {
    const empty: Answer = {
      role: 'assistant',
      id: crypto.randomUUID(),
      parts: [],
      state: 'waiting',
      requestIds: [],
      ...manner,
    }
    put({ ...conversation, messages: [...messages, empty], updatedAt: Date.now() })
    select(conversation.id)
    void answer.run(conversation.id, messages, empty)
  }

  /** Asks, in the open conversation or in a new one; in the place of an earlier question, if one is named. */
  const send = (text: string, manner: Manner, insteadOf?: string) => {
    const place = open?.messages.findIndex(({ id }) => id === insteadOf) ?? -1
    const before = open?.messages.slice(0, place < 0 ? undefined : place) ?? []
    const conversation = {
      id: open?.id ?? crypto.randomUUID(),
      title: before.length === 0 || !open ? titleOf(text) : open.title,
      updatedAt: Date.now(),
      messages: before,
    }
    begin(conversation, [...before, { role: 'user', id: crypto.randomUUID(), text }], manner)
  }

  /** Asks the last question again, in the place of its answer. */
  const retry = (manner: Manner) => {
    const place = open?.messages.findLastIndex(({ role }) => role === 'user') ?? -1
    if (open && place >= 0) begin(open, open.messages.slice(0, place + 1), manner)
  }

  return {
    ...conversations,
    isBusy: isUnderWay(open?.messages.at(-1)),
    send,
    retry,
    stop: () => open && answer.stop(open.id),
    remove: (id: string) => {
      answer.stop(id)
      remove(id)
    },
  }
}

type Alter = (conversationId: string, answerId: string, how: (answer: Answer) => Answer) => void

/** Looks up what answers cost that were stopped by leaving the page. */
function useMissingCosts(open: Conversation | undefined, alter: Alter) {
  const { getToken } = useAuth()
  const latest = useRef(open)
  latest.current = open
  useEffect(() => {
    const look = async ({ id }: Conversation, answer: Answer) => {
      const cost = await findCost(getToken, answer.requestIds).catch(() => undefined)
      if (cost !== undefined) alter(id, answer.id, (before) => ({ ...before, cost }))
    }
    for (const message of latest.current?.messages ?? []) {
      const isMissing =
        message.role === 'assistant' && message.state === 'stopped' && message.cost === undefined
      if (isMissing && latest.current) void look(latest.current, message)
    }
  }, [open?.id, getToken, alter])
}

/** Runs answers, one a conversation, also of conversations that are not on screen; leaving the page stops them. */
function useAnswering(change: (id: string, change: (conversation: Conversation) => Conversation) => void) {
  const { getToken } = useAuth()
  const { noteAvailable, refresh } = useCredits()
  const running = useRef(new Map<string, AbortController>())
  useEffect(() => {
    const all = running.current
    return () => all.forEach((controller) => controller.abort())
  }, [])

  const alter: Alter = useCallback(
    (conversationId, answerId, how) =>
      change(conversationId, (conversation) => ({
        ...conversation,
        messages: conversation.messages.map((message) =>
          message.role === 'assistant' && message.id === answerId ? how(message) : message,
        ),
      })),
    [change],
  )

  const run = async (conversationId: string, messages: Message[], { id, model, way }: Answer) => {
    const controller = new AbortController()
    running.current.set(conversationId, controller)
    const seen = { requestIds: [] as string[], receipts: 0, hasBegun: false }
    let admission: Admission | undefined
    let reason = 'stop'
    const note = (event: AnswerEvent) => {
      if (event.type === 'text' || event.type === 'call') seen.hasBegun = true
      if (event.type === 'end') reason = event.reason
      if (event.type === 'request') {
        seen.requestIds.push(event.requestId)
        admission = event.admission
      }
      if (event.type === 'receipt') {
        seen.receipts += 1
        noteAvailable(event.receipt.creditsAvailable)
      }
      alter(conversationId, id, (answer) => withEvent(answer, event))
    }
    try {
      for await (const event of ways[way]({ messages, model, getToken, signal: controller.signal }))
        note(event)
      const cut = admission && tookAll(admission) ? cutForCredits() : cutForLength()
      const problem = reason === 'length' ? { problem: cut } : {}
      alter(conversationId, id, (answer) => ({ ...answer, state: 'done', ...problem }))
    } catch (error) {
      const problem = controller.signal.aborted ? undefined : describeProblem(error, seen.hasBegun)
      alter(conversationId, id, (answer) => ({
        ...answer,
        ...(problem ? { state: 'failed', problem } : { state: 'stopped' }),
      }))
    }
    if (running.current.get(conversationId) === controller) running.current.delete(conversationId)
    if (seen.receipts === seen.requestIds.length) return
    const cost = await findCost(getToken, seen.requestIds).catch(() => undefined)
    if (cost !== undefined) alter(conversationId, id, (answer) => ({ ...answer, cost }))
    await refresh()
  }

  return { run, alter, stop: (conversationId: string) => running.current.get(conversationId)?.abort() }
}
