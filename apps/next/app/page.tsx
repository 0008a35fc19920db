import { auth } from '@clerk/nextjs/server'
import { redirect } from 'next/navigation'
import { Landing } from '../components/landing/landing.tsx'
import { hasClerkKeys } from '../lib/settings.ts'

export default async function LandingPage() {
  // The layout says then what to do, and shows nothing else.
  if (!hasClerkKeys()) return null
  const { userId } = await auth()
  if (userId) redirect('/chat')
  return <Landing />
}
