import type { EventData } from '../../core/event-data.js'

/** The attributes that every CloudEvent has, and those that a mapping needs to know. */
interface CloudEvent {
  readonly specversion: '1.0'
  readonly id: string
  readonly source: string
  readonly type: string
  /** The partitioning extension. */
  readonly partitionkey?: unknown
  readonly data?: unknown
  readonly [attribute: string]: unknown
}

/** Whether a value is a CloudEvent 1.0, as an object of one's own, of a CloudEvents SDK, or from Event Grid. */
export function isCloudEvent(value: unknown): value is CloudEvent {
  if (typeof value !== 'object' || value === null) return false
  const { specversion, id, source, type } = value as Record<string, unknown>
  return specversion === '1.0' && isText(id) && isText(source) && isText(type)
}

const isText = (value: unknown) => typeof value === 'string' && value !== ''

/**
 * A CloudEvent in the structured mode of CloudEvents' AMQP binding: the event as JSON is the body, as the host's own
 * binding would send it, and the content type says what it is. Its id is the message id. Bytes as `data` become
 * `data_base64`, as the JSON format has them.
 *
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/amqp-protocol-binding.md
 */
export function cloudEventToEventData(event: CloudEvent): EventData {
  return { body: jsonFormat(event), contentType: 'application/cloudevents+json; charset=utf-8', messageId: event.id }
}

/** The key that CloudEvents' partitioning extension gives, if any. */
export function partitionKeyOf(event: CloudEvent): string | undefined {
  return typeof event.partitionkey === 'string' && event.partitionkey !== '' ? event.partitionkey : undefined
}

function jsonFormat(event: CloudEvent): unknown {
  // An SDK's object says itself what its JSON is, bytes included.
  if ('toJSON' in event && typeof event.toJSON === 'function') return event
  const { data } = event
  if (!(ArrayBuffer.isView(data) || data instanceof ArrayBuffer)) return event
  const { data: _, ...attributes } = event
  const bytes = ArrayBuffer.isView(data)
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    : Buffer.from(data)
  return { ...attributes, data_base64: bytes.toString('base64') }
}
