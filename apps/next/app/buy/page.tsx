import type { Metadata } from 'next'
import { Page } from '../../components/page.tsx'
import { requireUser } from '../../lib/require-user.ts'

export const metadata: Metadata = { title: 'Buy' }

export default async function BuyPage() {
  if (!(await requireUser())) return null
  return <Page title="Buy" />
}
