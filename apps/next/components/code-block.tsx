'use client'

import { ActionIcon, CopyButton, Group, Text, Tooltip } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import classes from './code-block.module.css'

/** A fenced block of code, with its language and a button that copies `text`. `children` is the text in colours. */
export function CodeBlock({
  text,
  language,
  children,
}: {
  text: string
  language: string
  children: ReactNode
}) {
  return (
    <figure className={classes.block}>
      <Group component="figcaption" justify="space-between" className={classes.bar} wrap="nowrap">
        <Text component="span" size="xs" c="dimmed" ff="monospace">
          {language}
        </Text>
        <CopyButton value={text}>
          {({ copied, copy }) => (
            <Tooltip label={copied ? 'Copied' : 'Copy'}>
              <ActionIcon variant="subtle" color="gray" size="sm" onClick={copy} aria-label="Copy the code">
                {copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
              </ActionIcon>
            </Tooltip>
          )}
        </CopyButton>
      </Group>
      {/* Wider than the screen it scrolls, and then a keyboard must be able to. */}
      <pre
        className={classes.code}
        tabIndex={0}
        aria-label={`Code${language ? `, ${language}` : ''}`}
        role="group"
      >
        {children}
      </pre>
    </figure>
  )
}
