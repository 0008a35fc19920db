import type { Metadata } from 'next'
import { Chat } from '../../components/chat/chat.tsx'
import { requireUser } from '../../lib/require-user.ts'

export const metadata: Metadata = { title: 'Chat' }

export default async function ChatPage() {
  if (!(await requireUser())) return null
  return <Chat />
}
