'use client'

import { OrganizationSwitcher, UserButton, useAuth } from '@clerk/nextjs'
import { Anchor, Burger, Drawer, Group, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import Link from 'next/link'
import { CreditBalance } from '../credit-balance.tsx'
import { Hydrated } from '../hydrated.tsx'
import { LinkButton } from '../link-button.tsx'
import { Brand } from './brand.tsx'
import { ColorSchemeMenu } from './color-scheme-menu.tsx'
import { DrawerLinks, HeaderLinks } from './navigation.tsx'

/** Where everything is: the pages, who is signed in, who pays, and what is left. */
export function Header() {
  const { isSignedIn } = useAuth()
  return (
    <Group h="100%" px={{ base: 'sm', sm: 'lg' }} justify="space-between" wrap="nowrap" gap="sm">
      {isSignedIn ? <SignedInHeader /> : <SignedOutHeader />}
    </Group>
  )
}

/** The header where nobody can sign in, since Clerk is not set up. */
export function BareHeader() {
  return (
    <Group h="100%" px={{ base: 'sm', sm: 'lg' }} justify="space-between">
      <HomeLink />
      <ColorSchemeMenu />
    </Group>
  )
}

function HomeLink() {
  return (
    <Anchor component={Link} href="/" underline="never" aria-label="Faregate, home">
      <Brand />
    </Anchor>
  )
}

function SignedOutHeader() {
  return (
    <>
      <HomeLink />
      <Group gap="xs" wrap="nowrap">
        <ColorSchemeMenu />
        <LinkButton href="/sign-in" variant="default">
          Sign in
        </LinkButton>
        <LinkButton href="/sign-up" visibleFrom="xs">
          Get started
        </LinkButton>
      </Group>
    </>
  )
}

function SignedInHeader() {
  const [isOpen, drawer] = useDisclosure()
  return (
    <>
      <Group gap="xs" wrap="nowrap">
        <Burger
          opened={isOpen}
          onClick={drawer.toggle}
          hiddenFrom="sm"
          size="sm"
          aria-label="Open the navigation"
        />
        <HomeLink />
        <Group component="nav" aria-label="Pages" gap={4} ml="md" wrap="nowrap" visibleFrom="sm">
          <HeaderLinks />
        </Group>
      </Group>
      <Group gap="xs" wrap="nowrap">
        <Group visibleFrom="sm" gap="xs" wrap="nowrap">
          <PayerSwitcher />
        </Group>
        <CreditBalance />
        <Group visibleFrom="sm">
          <ColorSchemeMenu />
        </Group>
        <Group w={28} h={28}>
          <Hydrated>
            <UserButton />
          </Hydrated>
        </Group>
      </Group>
      <Drawer opened={isOpen} onClose={drawer.close} title={<Brand />} size="xs" hiddenFrom="sm">
        <Stack gap="lg">
          <nav aria-label="Pages">
            <DrawerLinks onFollow={drawer.close} />
          </nav>
          <div>
            <Text size="sm" c="dimmed" mb={4}>
              Who pays
            </Text>
            <PayerSwitcher />
          </div>
          <Group justify="space-between">
            <Text size="sm" c="dimmed">
              Light or dark
            </Text>
            <ColorSchemeMenu />
          </Group>
        </Stack>
      </Drawer>
    </>
  )
}

/** Clerk's organization switcher: with an organization chosen, its account pays. */
function PayerSwitcher() {
  return (
    <Hydrated>
      <OrganizationSwitcher />
    </Hydrated>
  )
}
