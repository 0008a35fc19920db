'use client'

import { useAuth } from '@clerk/nextjs'
import { Drawer, VisuallyHidden } from '@mantine/core'
import { useDisclosure, useLocalStorage } from '@mantine/hooks'
import { useRef, useState } from 'react'
import type { Question, Way } from '../../lib/conversation.ts'
import { describeProblem } from '../../lib/problems.ts'
import { SignedOut } from '../../lib/refused.ts'
import { DEFAULT_MODEL } from '../../lib/settings.ts'
import { Page } from '../page.tsx'
import { ProblemNotice } from '../problem-notice.tsx'
import { Announcer } from './announcer.tsx'
import classes from './chat.module.css'
import { CodeDrawer } from './code-drawer.tsx'
import { Composer } from './composer.tsx'
import { EmptyChat } from './empty-chat.tsx'
import { MessageList } from './message-list.tsx'
import { Sidebar } from './sidebar.tsx'
import { TopBar } from './top-bar.tsx'
import { useChat } from './use-chat.ts'
import { useModels } from './use-models.ts'

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
  const { models, size } = useModels()
  const [way, setWay] = useLocalStorage<Way>({ key: 'faregate:way', defaultValue: 'browser' })
  const [chosenModel, setModel] = useLocalStorage({ key: 'faregate:model', defaultValue: DEFAULT_MODEL })
  const [draft, setDraft] = useState('')
  const [editing, setEditing] = useState<string>()
  const [isListOpen, list] = useDisclosure()
  const [isCodeOpen, code] = useDisclosure()
  const input = useRef<HTMLTextAreaElement>(null)

  const has = (id: string) => models.some((model) => model.id === id)
  const model = models.length === 0 || has(chosenModel) ? chosenModel : (models[0]?.id ?? DEFAULT_MODEL)
  const messages = chat.open?.messages ?? []

  const send = (text: string) => {
    chat.send(text, { model, way }, editing)
    setDraft('')
    setEditing(undefined)
  }
  const select = (id: string | undefined) => {
    chat.select(id)
    setDraft('')
    setEditing(undefined)
    list.close()
    input.current?.focus()
  }
  const edit = (question: Question) => {
    setDraft(question.text)
    setEditing(question.id)
    input.current?.focus()
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
        <TopBar title={chat.open?.title} way={way} onWay={setWay} onList={list.open} onCode={code.open} />
        {messages.length === 0 ? (
          <EmptyChat onPick={send} />
        ) : (
          <MessageList
            key={chat.open?.id}
            messages={messages}
            onRetry={() => chat.retry({ model, way })}
            onEdit={edit}
          />
        )}
        <Composer
          inputRef={input}
          draft={draft}
          onDraft={setDraft}
          isEditing={editing !== undefined}
          onCancelEdit={() => select(chat.open?.id)}
          isBusy={chat.isBusy}
          onSend={send}
          onStop={chat.stop}
          models={models}
          size={size}
          model={model}
          onModel={setModel}
        />
        <Announcer message={messages.at(-1)} />
      </div>
      <Drawer opened={isListOpen} onClose={list.close} title="Conversations" size="xs">
        {sidebar}
      </Drawer>
      <CodeDrawer way={way} model={model} opened={isCodeOpen} onClose={code.close} />
    </div>
  )
}
