import { assertIsEvent, type EventInput } from '../../core/event-data.js'
import { kindOf } from '../../core/options.js'
import { cloudEventToEventData, isCloudEvent, partitionKeyOf } from './cloud-event.js'

/** Where one event goes; both win over the output's own `partitionKey`. */
export interface EventRouting {
  /** Sends to this partition. Wins over `partitionKey`. Default: none. */
  readonly partitionId?: string | undefined
  /** Events of one key go to one partition, in order. Default: the output's `partitionKey`. */
  readonly partitionKey?: string | undefined
}

const brand = Symbol('eventhub-sluice event')

/** What `eventData` makes: an event with more than a body. */
export type OutputEvent = EventInput & EventRouting & { readonly [brand]: true }

const routingFields: ReadonlySet<string> = new Set<keyof EventRouting>(['partitionId', 'partitionKey'])

/**
 * Marks an object as an event, so that it is sent as one and not as JSON:
 *
 * ```ts
 * context.extraOutputs.set(orders, eventData({ body: order, partitionKey: order.customer }))
 * ```
 *
 * Takes the fields of `EventData` (`body`, `contentType`, `messageId`, `correlationId`, `properties`) or of
 * `AmqpAnnotatedMessage`, and `partitionKey` or `partitionId`. Throws `TypeError` for an event without a body or
 * with an unknown field.
 */
export function eventData(event: EventInput & EventRouting): OutputEvent {
  assertIsEvent(event, routingFields)
  if (event.partitionId !== undefined) assertIsPartitionId(event.partitionId)
  return { ...event, [brand]: true }
}

function assertIsPartitionId(partitionId: unknown): void {
  if (typeof partitionId === 'string') return
  throw new TypeError(`partitionId must be a string such as '0'; received ${kindOf(partitionId)}.`)
}

/** One event as the client takes it. */
export interface OutgoingEvent {
  readonly event: EventInput
  readonly options: EventRouting
}

/**
 * What a user set on an output, as events. An array is many events, one per element; `undefined` and `null`
 * are none, also as elements. A CloudEvent stays one, and its `partitionkey` is its key. Throws `TypeError` for a value that no event can carry.
 */
export function toOutgoingEvents(value: unknown, routing: EventRouting = {}): OutgoingEvent[] {
  if (routing.partitionId !== undefined) assertIsPartitionId(routing.partitionId)
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
  return values
    .filter((element) => element !== undefined && element !== null)
    .map((element) => toOutgoingEvent(element, routing))
}

function toOutgoingEvent(value: unknown, routing: EventRouting): OutgoingEvent {
  if (isOutputEvent(value)) {
    const { partitionId, partitionKey, [brand]: _, ...event } = value
    const isRouted = partitionId !== undefined || partitionKey !== undefined
    return { event, options: isRouted ? { partitionId, partitionKey } : routing }
  }
  if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint') {
    throw new TypeError(`An event cannot be made from a ${typeof value}. Pass a string, bytes or a JSON value.`)
  }
  // JSON would make {} of it, and the event would be lost without a word.
  if (isThenable(value)) {
    throw new TypeError(
      'An event cannot be made from a Promise. Await it first, as in set(output, await request.json()).',
    )
  }
  if (isCloudEvent(value)) {
    const partitionKey = partitionKeyOf(value)
    return { event: cloudEventToEventData(value), options: partitionKey === undefined ? routing : { partitionKey } }
  }
  return { event: { body: value }, options: routing }
}

function isOutputEvent(value: unknown): value is OutputEvent {
  return typeof value === 'object' && value !== null && brand in value
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
