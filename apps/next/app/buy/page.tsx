import type { Metadata } from 'next'
import { BuyView } from '../../components/buy/buy-view.tsx'
import { requireUser } from '../../lib/require-user.ts'

export const metadata: Metadata = { title: 'Buy' }

export default async function BuyPage() {
  if (!(await requireUser())) return null
  return <BuyView />
}
