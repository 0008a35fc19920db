'use client'

import { Button, NavLink } from '@mantine/core'
import { IconMessage, IconShoppingBag, IconUserCircle } from '@tabler/icons-react'
import Link from 'next/link'
import { usePathname } from 'next/navigation'
import classes from './navigation.module.css'

const PAGES = [
  { href: '/chat', label: 'Chat', icon: IconMessage },
  { href: '/account', label: 'Account', icon: IconUserCircle },
  { href: '/buy', label: 'Buy', icon: IconShoppingBag },
]

/** The signed-in pages, in a row for the header of a wide screen. */
export function HeaderLinks() {
  const pathname = usePathname()
  return PAGES.map(({ href, label }) => {
    const isHere = pathname.startsWith(href)
    return (
      <Button
        key={href}
        component={Link}
        href={href}
        variant="subtle"
        className={classes.link}
        color="gray"
        c={isHere ? 'bright' : 'dimmed'}
        size="sm"
        aria-current={isHere ? 'page' : undefined}
      >
        {label}
      </Button>
    )
  })
}

/** The same, one below the other, for a phone's drawer. */
export function DrawerLinks({ onFollow }: { onFollow: () => void }) {
  const pathname = usePathname()
  return PAGES.map(({ href, label, icon: Icon }) => (
    <NavLink
      key={href}
      component={Link}
      href={href}
      label={label}
      leftSection={<Icon size={18} aria-hidden />}
      className={classes.link}
      active={pathname.startsWith(href)}
      aria-current={pathname.startsWith(href) ? 'page' : undefined}
      onClick={onFollow}
    />
  ))
}
