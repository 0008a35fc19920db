/** Clerk colours links like buttons, which is too dark for text in the dark. */
const link = { color: 'var(--mantine-color-anchor)' }

/** Clerk's components in this app's colours: the kit's variables, so that both schemes fit. */
export const clerkAppearance = {
  variables: {
    colorPrimary: 'var(--mantine-primary-color-filled)',
    colorPrimaryForeground: '#ffffff',
    colorBackground: 'var(--app-card)',
    colorForeground: 'var(--mantine-color-text)',
    colorMuted: 'var(--app-surface)',
    colorMutedForeground: 'var(--mantine-color-dimmed)',
    colorNeutral: 'var(--mantine-color-text)',
    colorInput: 'var(--mantine-color-body)',
    colorInputForeground: 'var(--mantine-color-text)',
    colorDanger: 'var(--mantine-color-error)',
    colorRing: 'var(--mantine-primary-color-filled)',
    fontFamily: 'inherit',
    borderRadius: '0.5rem',
  },
  elements: {
    footerActionLink: link,
    formFieldAction: link,
    formResendCodeLink: link,
    identityPreviewEditButton: link,
    // The initials where there is no picture: on Clerk's own grey they are too faint in the dark.
    avatarBox: { background: 'light-dark(var(--mantine-color-gray-2), var(--mantine-color-dark-4))' },
  },
}
