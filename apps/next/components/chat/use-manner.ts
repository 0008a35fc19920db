'use client'

import { useLocalStorage } from '@mantine/hooks'
import type { Way } from '../../lib/conversation.ts'
import { DEFAULT_MODEL } from '../../lib/settings.ts'
import type { Manner } from './use-chat.ts'
import { useModels } from './use-models.ts'

/** The way and the model that are chosen, kept in the browser; a model that the plan has not gives way to one it has. */
export function useManner() {
  const { models, size } = useModels()
  const [way, setWay] = useLocalStorage<Way>({ key: 'faregate:way', defaultValue: 'browser' })
  const [chosen, setModel] = useLocalStorage({ key: 'faregate:model', defaultValue: DEFAULT_MODEL })
  const isThere = models.length === 0 || models.some(({ id }) => id === chosen)
  const manner: Manner = { way, model: isThere ? chosen : (models[0]?.id ?? DEFAULT_MODEL) }
  return { manner, setWay, setModel, models, size }
}
