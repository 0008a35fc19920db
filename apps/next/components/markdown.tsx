import { Anchor, Table, Typography } from '@mantine/core'
import { type ComponentProps, memo } from 'react'
import ReactMarkdown, { type Components, type ExtraProps } from 'react-markdown'
import rehypeHighlight from 'rehype-highlight'
import remarkGfm from 'remark-gfm'
import { CodeBlock } from './code-block.tsx'
import classes from './markdown.module.css'
import './highlight.css'

/** Headings start below those of the page that the text stands on. */
const components: Components = {
  h1: 'h3',
  h2: 'h3',
  h3: 'h4',
  h4: 'h5',
  a: ({ href, children }) => (
    <Anchor href={href ?? '#'} target="_blank" rel="noreferrer noopener" inherit underline="always">
      {children}
    </Anchor>
  ),
  // A picture would be fetched from wherever a model says: that tells its owner who reads.
  img: ({ alt, src }) => <span>{alt || String(src)}</span>,
  pre: ({ node, children }) => (
    <CodeBlock text={textOf(node)} language={languageOf(node)}>
      {children}
    </CodeBlock>
  ),
  table: ({ children }) => (
    <Table.ScrollContainer minWidth={0} type="native">
      <table>{children}</table>
    </Table.ScrollContainer>
  ),
}

const remarkPlugins = [remarkGfm]
const rehypePlugins: ComponentProps<typeof ReactMarkdown>['rehypePlugins'] = [
  [rehypeHighlight, { detect: false }],
]

/** Markdown of a model, which is not to be trusted: no HTML of its own, no pictures, links that open elsewhere. */
export const Markdown = memo(function Markdown({ text }: { text: string }) {
  return (
    <Typography className={classes.root}>
      <ReactMarkdown remarkPlugins={remarkPlugins} rehypePlugins={rehypePlugins} components={components}>
        {text}
      </ReactMarkdown>
    </Typography>
  )
})

type Syntax = NonNullable<ExtraProps['node']>

/** The text below a node of the syntax tree. */
function textOf(node: Syntax | Syntax['children'][number] | undefined): string {
  if (!node) return ''
  if (node.type === 'text') return node.value
  return node.type === 'element' ? node.children.map(textOf).join('') : ''
}

function languageOf(pre: Syntax | undefined): string {
  const code = pre?.children[0]
  const names = code?.type === 'element' ? code.properties['className'] : undefined
  return /language-([\w+-]+)/.exec(String(names ?? ''))?.[1] ?? ''
}
