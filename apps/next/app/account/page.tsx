import type { Metadata } from 'next'
import { AccountView } from '../../components/account/account-view.tsx'
import { requireUser } from '../../lib/require-user.ts'

export const metadata: Metadata = { title: 'Account' }

export default async function AccountPage() {
  if (!(await requireUser())) return null
  return <AccountView />
}
