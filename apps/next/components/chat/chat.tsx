'use client'

import { useAuth } from '@clerk/nextjs'
import { Drawer, VisuallyHidden } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useRef, useState } from 'react'
import { describeProblem } from '../../lib/problems.ts'
import { SignedOut } from '../../lib/refused.ts'
import { Page } from '../page.tsx'
import { ProblemNotice } from '../problem-notice.tsx'
import { Announcer } from './announcer.tsx'
import classes from './chat.module.css'
import { CodeDrawer } from './code-drawer.tsx'
import { Composer } from './composer.tsx'
import { EmptyChat } from './empty-chat.tsx'
import { MessageList } from './message-list.tsx'
import { ModelPicker } from './model-picker.tsx'
import { Sidebar } from './sidebar.tsx'
import { TopBar } from './top-bar.tsx'
import { useChat } from './use-chat.ts'
import { useManner } from './use-manner.ts'

/** The chat of whoever is signed in; each user, and each organization that pays, has conversations of their own. */
export function Chat() {
  const { isLoaded, isSignedIn, userId, orgId } = useAuth()
  // Signed out in another tab: the server rendered this page for somebody who has left since.
  const signedOut = isLoaded && !isSignedIn ? describeProblem(new SignedOut()) : undefined
  if (signedOut) {
    return (
      <Page title="Chat">
        <ProblemNotice problem={signedOut} />
      </Page>
    )
  }
  if (!userId) return null
  const owner = `${userId}:${orgId ?? 'personal'}`
  return <OwnedChat key={owner} owner={owner} />
}

function OwnedChat({ owner }: { owner: string }) {
  const chat = useChat(owner)
  const { manner, setWay, ...choice } = useManner()
  const { input, draft, setDraft, editing, write } = useDraft()
  const [isListOpen, list] = useDisclosure()
  const [isCodeOpen, code] = useDisclosure()

  const messages = chat.open?.messages ?? []

  const send = (text: string) => {
    chat.send(text, manner, editing)
    write('')
  }
  const select = (id: string | undefined) => {
    chat.select(id)
    list.close()
    write('')
  }
  const sidebar = (
    <Sidebar
      conversations={chat.all ?? []}
      openId={chat.open?.id}
      onSelect={select}
      onRemove={chat.remove}
      onRestore={chat.put}
    />
  )
  return (
    <div className={classes.chat}>
      <aside className={classes.side} aria-label="Conversations">
        {sidebar}
      </aside>
      <div className={classes.column}>
        <VisuallyHidden component="h1">Chat</VisuallyHidden>
        <TopBar
          title={chat.open?.title}
          way={manner.way}
          onWay={setWay}
          onList={list.open}
          onCode={code.open}
        />
        {messages.length === 0 ? (
          <EmptyChat onPick={send} />
        ) : (
          <MessageList
            key={chat.open?.id}
            messages={messages}
            onRetry={() => chat.retry(manner)}
            onEdit={({ text, id }) => write(text, id)}
          />
        )}
        <Composer
          inputRef={input}
          draft={draft}
          onDraft={setDraft}
          onCancelEdit={editing === undefined ? undefined : () => write('')}
          isBusy={chat.isBusy}
          onSend={send}
          onStop={chat.stop}
          picker={<ModelPicker model={manner.model} {...choice} />}
        />
        <Announcer message={messages.at(-1)} />
      </div>
      <Drawer opened={isListOpen} onClose={list.close} title="Conversations" size="xs">
        {sidebar}
      </Drawer>
      <CodeDrawer {...manner} opened={isCodeOpen} onClose={code.close} />
    </div>
  )
}

/** What is being written, and in the place of which earlier question. */
function useDraft() {
  const [draft, setDraft] = useState('')
  const [editing, setEditing] = useState<string>()
  const input = useRef<HTMLTextAreaElement>(null)
  const write = (text: string, insteadOf?: string) => {
    setDraft(text)
    setEditing(insteadOf)
    input.current?.focus()
  }
  return { input, draft, setDraft, editing, write }
}
