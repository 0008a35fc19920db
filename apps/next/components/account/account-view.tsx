'use client'

import { useOrganization } from '@clerk/nextjs'
import { Tabs, TabsList, TabsPanel, TabsTab } from '@mantine/core'
import { useRouter, useSearchParams } from 'next/navigation'
import { useCredits } from '../credits-provider.tsx'
import { LinkButton } from '../link-button.tsx'
import { Page } from '../page.tsx'
import classes from './account-view.module.css'
import { History } from './history.tsx'
import { Keys } from './keys.tsx'
import { Overview } from './overview.tsx'
import { Privacy } from './privacy.tsx'
import { UsageSection } from './usage-section.tsx'

const VIEWS = [
  { value: 'overview', label: 'Overview', content: Overview },
  { value: 'usage', label: 'Usage', content: UsageSection },
  { value: 'history', label: 'History', content: History },
  { value: 'keys', label: 'Keys', content: Keys },
  { value: 'data', label: 'Your data', content: Privacy },
]

/** The account that pays, in views that the address names, so that each can be linked to. */
export function AccountView() {
  const router = useRouter()
  const asked = useSearchParams().get('view')
  const view = VIEWS.some(({ value }) => value === asked) ? asked : 'overview'
  return (
    <Page title="Account" lead={<WhoPays />} actions={<LinkButton href="/buy">Buy credits</LinkButton>}>
      <Tabs
        value={view}
        onChange={(chosen) => router.replace(`/account?view=${chosen}`, { scroll: false })}
        keepMounted={false}
      >
        <TabsList className={classes.list} mb="lg">
          {VIEWS.map(({ value, label }) => (
            <TabsTab key={value} value={value} className={classes.tab}>
              {label}
            </TabsTab>
          ))}
        </TabsList>
        {VIEWS.map(({ value, content: Content }) => (
          <TabsPanel key={value} value={value}>
            <Content />
          </TabsPanel>
        ))}
      </Tabs>
    </Page>
  )
}

function WhoPays() {
  const { account } = useCredits()
  const { organization } = useOrganization()
  if (!account) return 'What you have, what you used, and your keys.'
  if (account.payer !== 'organization') return 'Your own credits pay for what you ask.'
  return `${organization?.name ?? 'Your organization'} pays for what its members ask.`
}
