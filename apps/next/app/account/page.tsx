import type { Metadata } from 'next'
import { Page } from '../../components/page.tsx'
import { requireUser } from '../../lib/require-user.ts'

export const metadata: Metadata = { title: 'Account' }

export default async function AccountPage() {
  if (!(await requireUser())) return null
  return <Page title="Account" />
}
