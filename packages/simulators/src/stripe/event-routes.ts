/** Events over the API, as a merchant reads them again. */
import { page } from './lists.ts'
import { text, texts } from './params.ts'
import type { ApiRoute } from './routes.ts'
import { find, newestFirst } from './state.ts'

/** What the API knows about events. */
export const eventRoutes: ApiRoute[] = [
  {
    method: 'GET',
    pattern: '/v1/events',
    handle: ({ world, params }) => {
      const types = [...texts(params, 'types'), ...(text(params, 'type') ? [text(params, 'type')] : [])]
      const items = newestFirst(world.state.events).filter(
        (event) => types.length === 0 || types.includes(event.type),
      )
      return page(items, params, '/v1/events')
    },
  },
  {
    method: 'GET',
    pattern: '/v1/events/:id',
    handle: ({ world, path }) => find(world.state.events, 'event', path.id ?? ''),
  },
]
