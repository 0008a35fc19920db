/** Usage that is reported to Stripe's meters. Events are kept in a log; aggregating them is not simulated. */
import { invalid } from './errors.ts'
import { allowOnly, child, integer, requiredText, text } from './params.ts'
import type { ApiCall, ApiRoute } from './routes.ts'
import { newId } from './state.ts'
import type { MeterEvent } from './types.ts'

const AGE_SECONDS_MAX = 35 * 86_400
const AHEAD_SECONDS_MAX = 300
const EVENTS_MAX = 10_000

/** What the API knows about meters. */
export const meterRoutes: ApiRoute[] = [
  { method: 'POST', pattern: '/v1/billing/meter_events', handle: create },
]

function create({ world, params }: ApiCall): object {
  allowOnly(params, ['event_name', 'identifier', 'payload', 'timestamp'])
  const { meterEvents } = world.state
  const eventName = requiredText(params, 'event_name')
  const payload = child(params, 'payload')
  const values = Object.entries(payload?.values ?? {}).map(([name, value]): [string, string] => [
    name,
    String(value),
  ])
  const { stripe_customer_id: customer, value } = Object.fromEntries(values)
  if (!customer || !(customer in world.state.customers))
    throw invalid(`No such customer: '${customer ?? ''}'`, 'payload[stripe_customer_id]', 'resource_missing')
  if (!value || !/^-?\d+$/.test(value))
    throw invalid('The value of a meter event must be a whole number.', 'payload[value]')
  const timestamp = integer(params, 'timestamp') ?? world.now()
  if (timestamp < world.now() - AGE_SECONDS_MAX || timestamp > world.now() + AHEAD_SECONDS_MAX)
    throw invalid(
      'The timestamp must be within the past 35 days or up to 5 minutes in the future.',
      'timestamp',
    )
  const identifier = text(params, 'identifier') ?? newId('', 32)
  if (Object.hasOwn(meterEvents, identifier)) {
    throw invalid(`An event already exists with identifier ${identifier}.`, 'identifier')
  }
  const event: MeterEvent = {
    object: 'billing.meter_event',
    created: world.now(),
    event_name: eventName,
    identifier,
    livemode: false,
    payload: Object.fromEntries(values),
    timestamp,
  }
  meterEvents[identifier] = event
  const ids = Object.keys(meterEvents)
  for (const id of ids.slice(0, Math.max(0, ids.length - EVENTS_MAX))) delete meterEvents[id]
  return event
}
