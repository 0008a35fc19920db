/**
 * Keeps conversations in the browser, each under a key of its own, so that two tabs do not overwrite each other's.
 * They never leave the browser but as a question to a model. Bounded in number and size.
 */
import { z } from 'zod'
import type { Conversation } from './conversation.ts'

const CONVERSATIONS_MAX = 30
const CHARACTERS_MAX = 120_000

/** Written by an earlier version of this page or by hand, a kept conversation may be anything. */
const kept = z.object({
  id: z.string(),
  title: z.string(),
  updatedAt: z.number(),
  messages: z.array(
    z.discriminatedUnion('role', [
      z.object({ role: z.literal('user'), id: z.string(), text: z.string() }),
      z.looseObject({
        role: z.literal('assistant'),
        id: z.string(),
        parts: z.array(
          z.discriminatedUnion('kind', [
            z.object({ kind: z.literal('text'), text: z.string() }),
            z.object({
              kind: z.literal('call'),
              call: z.object({
                id: z.string(),
                name: z.string(),
                arguments: z.string(),
                result: z.string().exactOptional(),
              }),
            }),
          ]),
        ),
        state: z.enum(['waiting', 'streaming', 'done', 'stopped', 'failed']),
        model: z.string(),
        way: z.enum(['browser', 'route']),
        requestIds: z.array(z.string()),
      }),
    ]),
  ),
})

const prefixOf = (owner: string) => `faregate:conversation:${owner}:`
const openKeyOf = (owner: string) => `faregate:open:${owner}`

/** All conversations of an owner (a user, and the organization that pays), the latest first. */
export function loadConversations(owner: string): Conversation[] {
  return keysOf(owner)
    .flatMap((key) => {
      const conversation = parse(localStorage.getItem(key))
      return conversation ? [conversation] : []
    })
    .sort((a, b) => b.updatedAt - a.updatedAt)
}

/** Keeps a conversation; of a long one the end, and of many the latest. */
export function saveConversation(owner: string, conversation: Conversation): void {
  const key = prefixOf(owner) + conversation.id
  const oldest = () => loadConversations(owner).filter(({ id }) => id !== conversation.id)
  for (const { id } of oldest().slice(CONVERSATIONS_MAX - 1)) removeConversation(owner, id)
  try {
    localStorage.setItem(key, shorten(conversation))
  } catch {
    // The browser's quota: without this, the page works on and only a reload forgets.
    for (const { id } of oldest().slice(-5)) removeConversation(owner, id)
  }
}

/** Forgets a conversation. */
export function removeConversation(owner: string, id: string): void {
  localStorage.removeItem(prefixOf(owner) + id)
}

/** Which conversation this tab shows, so that a reload shows it again. */
export function loadOpen(owner: string): string | undefined {
  return sessionStorage.getItem(openKeyOf(owner)) ?? undefined
}

/** Remembers which conversation this tab shows; undefined for a new one. */
export function saveOpen(owner: string, id: string | undefined): void {
  if (id === undefined) sessionStorage.removeItem(openKeyOf(owner))
  else sessionStorage.setItem(openKeyOf(owner), id)
}

function keysOf(owner: string): string[] {
  return Object.keys(localStorage).filter((key) => key.startsWith(prefixOf(owner)))
}

function parse(text: string | null): Conversation | undefined {
  if (text === null) return undefined
  try {
    const value: Conversation = JSON.parse(text)
    return kept.safeParse(value).success ? value : undefined
  } catch {
    return undefined
  }
}

function shorten(conversation: Conversation): string {
  let messages = conversation.messages
  let text = JSON.stringify(conversation)
  while (text.length > CHARACTERS_MAX && messages.length > 2) {
    messages = messages.slice(2)
    text = JSON.stringify({ ...conversation, messages })
  }
  return text
}
