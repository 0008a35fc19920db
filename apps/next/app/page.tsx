import { auth } from '@clerk/nextjs/server'
import { redirect } from 'next/navigation'
import { Page } from '../components/page.tsx'
import { hasClerkKeys } from '../lib/settings.ts'

export default async function LandingPage() {
  // The layout says then what to do, and shows nothing else.
  if (!hasClerkKeys()) return null
  const { userId } = await auth()
  if (userId) redirect('/chat')
  return <Page title="Your login is your AI key." />
}
