import { AmqpError, decodeError } from './amqp/errors.js'
import { dataSections, mapSection, type Section, scanMessage, section } from './message-bytes.js'
import type { NewEvent } from './partition-log.js'

const partitionKeyAnnotation = 'x-opt-partition-key'

/** The format of a message whose data sections are messages themselves. */
export const batchFormat = 0x80013700

/** An event with where its parts lie. */
export interface BatchEvent extends NewEvent {
  readonly sections: readonly Section[]
}

export interface Batch {
  /** The envelope's, or the lone message's: it alone decides on the partition. */
  readonly partitionKey: string | undefined
  readonly events: readonly BatchEvent[]
}

/** Reads what a producer sent. Throws `AmqpError` for anything that a reader could stumble over later. */
export function readBatch(format: number, bytes: Buffer): Batch {
  if (format === 0) {
    const event = readEvent(bytes)
    return { partitionKey: event.partitionKey, events: [event] }
  }
  if (format !== batchFormat) throw decodeError(`0x${format.toString(16)} is not a message format that is taken here.`)
  const sections = scanMessage(bytes)
  const events = dataSections(bytes, sections).map(readEvent)
  if (events.length === 0) throw decodeError('A batch must hold its events in data sections.')
  return { partitionKey: keyOf(bytes, sections), events }
}

function readEvent(bytes: Buffer): BatchEvent {
  if (bytes.length === 0) throw decodeError('A batch holds an event without any bytes.')
  const sections = scanMessage(bytes)
  return { bytes, sections, partitionKey: keyOf(bytes, sections) }
}

function keyOf(bytes: Buffer, sections: readonly Section[]): string | undefined {
  const key = mapSection(bytes, sections, section.messageAnnotations).get(partitionKeyAnnotation)
  if (key === undefined || key === null) return undefined
  if (typeof key === 'string') return key
  throw new AmqpError('com.microsoft:argument-error', `${partitionKeyAnnotation} must be a string.`)
}
