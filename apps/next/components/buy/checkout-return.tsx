'use client'

import { useAuth } from '@clerk/nextjs'
import { Button, Loader } from '@mantine/core'
import { useRouter, useSearchParams } from 'next/navigation'
import { useCallback, useEffect, useRef, useState } from 'react'
import { formatBalance } from '../../lib/format.ts'
import { describeProblem, type Problem } from '../../lib/problems.ts'
import { findOutcome, type Outcome, type Purchase } from '../../lib/purchase.ts'
import { useCredits } from '../credits-provider.tsx'
import { Notice } from '../notice.tsx'
import { ProblemNotice } from '../problem-notice.tsx'

/** What became of a purchase whose hosted page sent the browser back here. */
export function CheckoutReturn({ onArrived }: { onArrived: () => Promise<void> }) {
  const query = useSearchParams()
  const router = useRouter()
  const close = () => router.replace('/buy', { scroll: false })
  const { payer } = useCredits()
  if (query.get('checkout') === 'canceled') {
    return (
      <Notice tone="plain" title="Nothing was bought" onClose={close}>
        You left the checkout, and nothing was charged.
      </Notice>
    )
  }
  if (query.get('checkout') !== 'done' || !payer) return null
  const [payment, plan] = [query.get('payment'), query.get('plan')]
  return (
    <Arrival
      key={`${payer} ${payment} ${plan}`}
      purchase={payment ? { payment } : { plan }}
      onArrived={onArrived}
      onClose={close}
    />
  )
}

/** Looks a bounded number of times whether it has come. */
function Arrival({
  purchase,
  onArrived,
  onClose,
}: {
  purchase: Purchase
  onArrived: () => Promise<void>
  onClose: () => void
}) {
  const { getToken } = useAuth()
  const { refresh } = useCredits()
  const [outcome, setOutcome] = useState<Outcome>()
  const [problem, setProblem] = useState<Problem>()
  const running = useRef<AbortController>(undefined)
  const wanted = useRef({ purchase, onArrived })

  const look = useCallback(async () => {
    running.current?.abort()
    const controller = new AbortController()
    running.current = controller
    setOutcome(undefined)
    setProblem(undefined)
    try {
      const { purchase: bought } = wanted.current
      // Clerk's plan is in the token, and the one at hand is older.
      if ('plan' in bought && bought.plan === null) await getToken({ skipCache: true })
      const found = await findOutcome(getToken, bought, controller.signal)
      if (controller.signal.aborted) return
      await Promise.all([refresh(), wanted.current.onArrived()])
      setOutcome(found)
    } catch (error) {
      if (!controller.signal.aborted) setProblem(describeProblem(error))
    }
  }, [getToken, refresh])

  useEffect(() => {
    void look()
    return () => running.current?.abort()
  }, [look])

  if (problem) return <ProblemNotice problem={problem} onRetry={() => void look()} />
  return <OutcomeNotice outcome={outcome} purchase={purchase} onLook={() => void look()} onClose={onClose} />
}

function OutcomeNotice({
  outcome,
  purchase,
  onLook,
  onClose,
}: {
  outcome: Outcome | undefined
  purchase: Purchase
  onLook: () => void
  onClose: () => void
}) {
  const { account } = useCredits()
  const again = (
    <Button size="xs" variant="default" onClick={onLook}>
      Look again
    </Button>
  )
  switch (outcome) {
    case undefined:
      return (
        <Notice tone="waiting" title="Thank you" actions={<Loader size="sm" type="dots" aria-hidden />}>
          {'payment' in purchase
            ? 'We wait for the payment to be confirmed.'
            : 'We wait for your plan to begin.'}
        </Notice>
      )
    case 'here':
      return 'payment' in purchase ? (
        <Notice tone="good" title="Your credits are here" onClose={onClose}>
          You have {formatBalance(account?.credits.available ?? 0)} credits now.
        </Notice>
      ) : (
        <Notice tone="good" title="Your plan has begun" onClose={onClose}>
          You are on {account?.plan}, with {formatBalance(account?.credits.available ?? 0)} credits.
        </Notice>
      )
    case 'checking':
      return (
        <Notice tone="waiting" title="The payment is being checked" onClose={onClose}>
          The money has come, but it could not be matched with what was bought. Somebody is looking at it; you
          need not pay again.
        </Notice>
      )
    case 'failed':
      return (
        <Notice tone="error" title="The payment did not go through" onClose={onClose}>
          The bank declined it, and nothing was charged. Try again with another card.
        </Notice>
      )
    case 'late':
      return (
        <Notice tone="waiting" title="Still being confirmed by the bank" actions={again} onClose={onClose}>
          We show it here as soon as it comes; that may take minutes for a card and days for a bank debit. You
          can close this page.
        </Notice>
      )
  }
}
