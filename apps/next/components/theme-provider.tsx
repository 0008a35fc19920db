'use client'

import {
  type CSSVariablesResolver,
  createTheme,
  Drawer,
  MantineProvider,
  Modal,
  Notification,
  Tooltip,
} from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import type { ReactNode } from 'react'

const SANS =
  '-apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif'
const MONO = 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "Liberation Mono", monospace'

/** The kit's close buttons are crosses without a name. */
const NAMED_CLOSE = { 'aria-label': 'Close' }

/** One accent, the green of an open gate, and greys that lean towards it. */
const theme = createTheme({
  primaryColor: 'gate',
  primaryShade: { light: 7, dark: 6 },
  black: '#1b201e',
  colors: {
    gate: [
      '#e9f8f3',
      '#d0efe5',
      '#a3dfcc',
      '#74dcc0',
      '#4fc9a8',
      '#1fa383',
      '#0f8068',
      '#0b6b57',
      '#085544',
      '#053d31',
    ],
    gray: [
      '#f7f8f7',
      '#eff1f0',
      '#e4e7e5',
      '#d5dad7',
      '#c0c7c3',
      '#98a19c',
      '#646f6a',
      '#4b5550',
      '#333b37',
      '#1c211f',
    ],
    dark: [
      '#dde3e0',
      '#bac3bf',
      '#98a29d',
      '#6a7470',
      '#3a423f',
      '#2b3330',
      '#1d2321',
      '#131716',
      '#0d100f',
      '#080a09',
    ],
  },
  fontFamily: SANS,
  fontFamilyMonospace: MONO,
  headings: {
    fontFamily: SANS,
    fontWeight: '650',
    textWrap: 'balance',
    sizes: { h1: { fontSize: '2rem', lineHeight: '1.2' }, h2: { fontSize: '1.375rem', lineHeight: '1.3' } },
  },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  focusRing: 'auto',
  components: {
    Drawer: Drawer.extend({ defaultProps: { closeButtonProps: NAMED_CLOSE } }),
    Modal: Modal.extend({ defaultProps: { closeButtonProps: NAMED_CLOSE } }),
    Notification: Notification.extend({ defaultProps: { closeButtonProps: NAMED_CLOSE } }),
    Tooltip: Tooltip.extend({ defaultProps: { events: { hover: true, focus: true, touch: false } } }),
  },
})

/** Mantine's own dimmed and placeholder greys are too faint to read. */
const readableGreys: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': 'var(--mantine-color-gray-6)',
    '--mantine-color-placeholder': 'var(--mantine-color-gray-6)',
    '--mantine-color-error': 'var(--mantine-color-red-9)',
    '--mantine-color-default-border': 'var(--mantine-color-gray-3)',
    '--app-surface': 'var(--mantine-color-gray-0)',
    '--app-card': 'var(--mantine-color-white)',
    '--app-active': 'var(--mantine-color-gray-1)',
  },
  dark: {
    '--mantine-color-placeholder': 'var(--mantine-color-dark-2)',
    '--mantine-color-error': 'var(--mantine-color-red-4)',
    '--app-surface': 'var(--mantine-color-dark-6)',
    '--app-card': 'var(--mantine-color-dark-6)',
    '--app-active': 'var(--mantine-color-dark-5)',
  },
})

/** The kit, with this app's colours and type; it follows the system's scheme until the reader chooses one. */
export function ThemeProvider({ children }: { children: ReactNode }) {
  return (
    <MantineProvider theme={theme} cssVariablesResolver={readableGreys} defaultColorScheme="auto">
      <Notifications position="top-right" />
      {children}
    </MantineProvider>
  )
}
