import type { AmqpPrimitive, EventData } from '../../core/event-data.js'
import type { SourceRecord } from './sources/source.js'

/** How an event is written. */
export interface EventFormat {
  readonly format: 'cloudevents' | 'raw'
  readonly prefix: 'cloudEvents:' | 'cloudEvents_'
}

/**
 * The event for a record: in CloudEvents' AMQP binary mode (attributes are application properties, `datacontenttype`
 * is the content type, the data is the body), or the bare record. Both carry the record's id as message id, so that
 * consumers can drop the second copy of a redelivered one.
 *
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/amqp-protocol-binding.md
 */
export function toEventData(record: SourceRecord, { format, prefix }: EventFormat): EventData {
  const { attributes, properties } = record
  const messageId = attributes.id
  if (format === 'raw') return { ...record.raw, messageId, ...(properties ? { properties } : {}) }

  const { id, source, type, time, subject, extensions } = attributes
  const named: Record<string, AmqpPrimitive> = { ...properties }
  // The time as a string: the binding allows it beside AMQP's timestamp, which would round to milliseconds.
  for (const [name, value] of Object.entries({ specversion: '1.0', id, source, type, time, subject, ...extensions })) {
    if (value !== undefined) named[`${prefix}${name}`] = value
  }
  return { ...record.data, messageId, properties: named }
}
