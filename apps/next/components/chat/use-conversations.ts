'use client'

import { useCallback, useEffect, useRef, useState } from 'react'
import type { Answer, Conversation } from '../../lib/conversation.ts'
import { isUnderWay } from '../../lib/conversation.ts'
import {
  loadConversations,
  loadOpen,
  removeConversation,
  saveConversation,
  saveOpen,
} from '../../lib/conversation-store.ts'

const SAVE_PAUSE_MS = 300

export type Conversations = {
  /** The latest first; undefined until the browser's storage was read. */
  all: Conversation[] | undefined
  /** The one on screen; undefined for a new one. */
  open: Conversation | undefined
  select: (id: string | undefined) => void
  put: (conversation: Conversation) => void
  change: (id: string, change: (conversation: Conversation) => Conversation) => void
  remove: (id: string) => void
}

/** The conversations of an owner, kept in the browser as they change. Another owner needs another component (`key`). */
export function useConversations(owner: string): Conversations {
  const [all, setAll] = useState<Conversation[]>()
  const [openId, setOpenId] = useState<string>()
  useSaving(owner, all)

  useEffect(() => {
    setAll(loadConversations(owner).map(ended))
    setOpenId(loadOpen(owner))
  }, [owner])

  const select = useCallback(
    (id: string | undefined) => {
      setOpenId(id)
      saveOpen(owner, id)
    },
    [owner],
  )
  const put = useCallback(
    (conversation: Conversation) =>
      setAll((before = []) => [conversation, ...before.filter(({ id }) => id !== conversation.id)]),
    [],
  )
  const change = useCallback(
    (id: string, alter: (conversation: Conversation) => Conversation) =>
      setAll((before) => before?.map((each) => (each.id === id ? alter(each) : each))),
    [],
  )
  const remove = useCallback(
    (id: string) => {
      removeConversation(owner, id)
      setAll((before) => before?.filter((each) => each.id !== id))
    },
    [owner],
  )
  return { all, open: all?.find(({ id }) => id === openId), select, put, change, remove }
}

/** An answer that was under way when the page was left has ended since. */
function ended(conversation: Conversation): Conversation {
  if (!conversation.messages.some(isUnderWay)) return conversation
  const stopped = (message: Answer): Answer => ({ ...message, state: 'stopped' })
  return {
    ...conversation,
    messages: conversation.messages.map((message) =>
      message.role === 'assistant' && isUnderWay(message) ? stopped(message) : message,
    ),
  }
}

/** Saves what has changed: a few times a second while an answer comes, and when the page is left. */
function useSaving(owner: string, all: Conversation[] | undefined): void {
  const saved = useRef<Map<string, Conversation>>(undefined)
  const latest = useRef(all)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  latest.current = all

  const save = useCallback(() => {
    clearTimeout(timer.current)
    timer.current = undefined
    for (const conversation of latest.current ?? []) {
      if (saved.current?.get(conversation.id) === conversation) continue
      saved.current?.set(conversation.id, conversation)
      saveConversation(owner, conversation)
    }
  }, [owner])

  useEffect(() => {
    if (!all) return
    if (saved.current) timer.current ??= setTimeout(save, SAVE_PAUSE_MS)
    // What was just loaded is saved already.
    else saved.current = new Map(all.map((conversation) => [conversation.id, conversation]))
  }, [all, save])
  useEffect(() => {
    addEventListener('pagehide', save)
    return () => {
      removeEventListener('pagehide', save)
      save()
    }
  }, [save])
}
