'use client'

import { type FormEvent, useState } from 'react'
import { askFromBrowser, askThroughRoute } from '../lib/ask.ts'
import { DEFAULT_MODEL } from '../lib/settings.ts'
import type { Asker } from './use-answer.ts'

const SUGGESTION = 'Explain in three sentences what a fare gate does.'

/** The prompt and the two ways to send it; while an answer comes, the way to stop it. */
export function PromptForm({
  busy,
  onAsk,
  onStop,
}: {
  busy: boolean
  onAsk: (asker: Asker, prompt: string) => void
  onStop: () => void
}) {
  const [prompt, setPrompt] = useState(SUGGESTION)
  const isEmpty = prompt.trim() === ''
  const onSubmit = (event: FormEvent) => {
    event.preventDefault()
    if (!busy && !isEmpty) onAsk(askFromBrowser, prompt)
  }
  return (
    <form onSubmit={onSubmit}>
      <label htmlFor="prompt">Your prompt</label>
      <textarea id="prompt" rows={4} value={prompt} onChange={(event) => setPrompt(event.target.value)} />
      <div className="actions">
        {busy ? (
          <button className="button" key="stop" type="button" onClick={onStop}>
            Stop
          </button>
        ) : (
          <>
            <button className="button primary" key="ask" type="submit" disabled={isEmpty}>
              Ask from the browser
            </button>
            <button
              className="button"
              type="button"
              disabled={isEmpty}
              onClick={() => onAsk(askThroughRoute, prompt)}
            >
              Ask through the server
            </button>
          </>
        )}
        <span className="model">
          Model <code>{DEFAULT_MODEL}</code>
        </span>
      </div>
    </form>
  )
}
