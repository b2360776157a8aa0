import { message, types } from 'rhea-promise'
import { type AmqpAnnotatedMessage, bodyToBytes, type EventInput, isAmqpAnnotatedMessage } from '../event-data.js'
import { code } from './code.js'
import {
  amqpValue,
  asBuffer,
  entriesOf,
  flagField,
  isTyped,
  symbolField,
  textField,
  timeField,
  wholeField,
} from './values.js'

const mostUbyte = 2 ** 8 - 1
const mostUint = 2 ** 32 - 1

/** rhea's message, as far as it is used here. */
export interface RheaMessage {
  body: unknown
  message_annotations?: Record<string, unknown> | undefined
  footer?: Record<string, unknown> | undefined
  durable?: boolean | undefined
  [section: string]: unknown
}

/** An event as rhea's encoder takes it. Throws `TypeError` that names the field at fault, never its value. */
export function toRheaMessage(event: EventInput): RheaMessage {
  const encoded = isAmqpAnnotatedMessage(event) ? fromAnnotated(event) : fromEventData(event)
  for (const name of Object.keys(encoded)) {
    if (encoded[name] === undefined) delete encoded[name]
  }
  return encoded
}

function fromEventData(event: EventInput): RheaMessage {
  const { body, contentType, messageId, correlationId, properties } = event as unknown as Record<string, unknown>
  return {
    body: message.data_section(asBuffer(bodyToBytes(body))),
    content_type: symbolField('contentType', contentType),
    message_id: identifierField('messageId', messageId),
    correlation_id: identifierField('correlationId', correlationId),
    application_properties: applicationProperties('properties', properties),
  }
}

function fromAnnotated(event: AmqpAnnotatedMessage): RheaMessage {
  const { header, properties } = event
  return {
    body: annotatedBody(event),
    durable: flagField('header.durable', header?.durable),
    priority: wholeField('header.priority', header?.priority, mostUbyte),
    ttl: wholeField('header.timeToLive', header?.timeToLive, mostUint),
    first_acquirer: flagField('header.firstAcquirer', header?.firstAcquirer),
    delivery_count: wholeField('header.deliveryCount', header?.deliveryCount, mostUint),
    message_id: identifierField('properties.messageId', properties?.messageId),
    user_id: userId(properties?.userId),
    to: textField('properties.to', properties?.to),
    subject: textField('properties.subject', properties?.subject),
    reply_to: textField('properties.replyTo', properties?.replyTo),
    correlation_id: identifierField('properties.correlationId', properties?.correlationId),
    content_type: symbolField('properties.contentType', properties?.contentType),
    content_encoding: symbolField('properties.contentEncoding', properties?.contentEncoding),
    absolute_expiry_time: timeField('properties.absoluteExpiryTime', properties?.absoluteExpiryTime),
    creation_time: timeField('properties.creationTime', properties?.creationTime),
    group_id: textField('properties.groupId', properties?.groupId),
    group_sequence: wholeField('properties.groupSequence', properties?.groupSequence, mostUint),
    reply_to_group_id: textField('properties.replyToGroupId', properties?.replyToGroupId),
    application_properties: applicationProperties('applicationProperties', event.applicationProperties),
    message_annotations: annotations('messageAnnotations', event.messageAnnotations),
    delivery_annotations: annotations('deliveryAnnotations', event.deliveryAnnotations),
    footer: annotations('footer', event.footer),
  }
}

function annotatedBody({ body, bodyType = 'data' }: AmqpAnnotatedMessage): unknown {
  if (bodyType === 'data') {
    if (Array.isArray(body) && body.length > 0 && body.every((part) => part instanceof Uint8Array)) {
      return message.data_sections(body.map(asBuffer) as never)
    }
    return message.data_section(asBuffer(bodyToBytes(body)))
  }
  if (bodyType === 'sequence') {
    if (!Array.isArray(body)) throw new TypeError("A body of type 'sequence' must be an array.")
    const lists = body.every(Array.isArray) && body.length > 0 ? body : [body]
    return message.sequence_sections(lists.map((list) => amqpValue('body', list)) as never)
  }
  if (bodyType !== 'value') throw new TypeError("bodyType must be 'data', 'sequence' or 'value'.")
  // rhea has no name for a value section; this is a data section under the other code.
  const section = message.data_section(amqpValue('body', body) as never) as { typecode?: number }
  section.typecode = code.value
  return section
}

function identifierField(name: string, id: unknown): unknown {
  if (id === undefined || id === null) return undefined
  if (typeof id === 'string') return id
  if (typeof id === 'number' && Number.isSafeInteger(id) && id >= 0) return id
  if (id instanceof Uint8Array) return types.wrap_binary(asBuffer(id))
  throw new TypeError(`${name} must be a string, a whole number from 0 up, or bytes.`)
}

function userId(id: unknown): Buffer | undefined {
  if (id === undefined || id === null) return undefined
  if (typeof id === 'string') return Buffer.from(id)
  if (id instanceof Uint8Array) return asBuffer(id)
  throw new TypeError('properties.userId must be a string or bytes.')
}

/** AMQP allows only simple values in application properties. */
function applicationProperties(section: string, properties: unknown): Record<string, unknown> | undefined {
  if (properties === undefined || properties === null) return undefined
  const entries = entriesOf(section, properties).map(([name, value]) => {
    const simple =
      value === null ||
      typeof value !== 'object' ||
      value instanceof Date ||
      value instanceof Uint8Array ||
      isTyped(value)
    if (!simple) {
      throw new TypeError(
        `The property '${name}' is ${Array.isArray(value) ? 'an array' : 'an object'}; properties hold strings, numbers, bigints, booleans, dates, bytes or null. Put structures into the body.`,
      )
    }
    return [name, amqpValue(`property '${name}'`, value)]
  })
  return Object.fromEntries(entries)
}

function annotations(section: string, map: unknown): Record<string, unknown> | undefined {
  if (map === undefined || map === null) return undefined
  const entries = entriesOf(section, map).map(([name, value]) => {
    symbolField(`The name of an annotation in ${section}`, name)
    return [name, amqpValue(`annotation '${name}' in ${section}`, value)]
  })
  return Object.fromEntries(entries)
}
