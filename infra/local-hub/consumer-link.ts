import * as encode from './amqp/encoder.js'
import { AmqpError } from './amqp/errors.js'
import type { AttachRequest, OutgoingLinkHandler } from './amqp/link-types.js'
import type { OutgoingLink } from './amqp/outgoing-link.js'
import type { EventHub } from './event-hub.js'
import { withAnnotations } from './message-bytes.js'
import type { PartitionLog, StoredEvent } from './partition-log.js'
import { startOf } from './start-position.js'

const epochProperty = 'com.microsoft:epoch'
const runtimeMetric = 'com.microsoft:enable-receiver-runtime-metric'
const receiverName = 'com.microsoft:receiver-name'

export interface ConsumerTarget {
  readonly eventHub: EventHub
  readonly consumerGroup: string
  readonly log: PartitionLog
}

export interface ConsumerSettings {
  readonly maxMessageSizeInBytes: number
  now(): number
  /** Throws when the reader may not read any more. */
  authorize(): void
}

/** Serves one reader of a partition: from its start position on, as its credit allows, and live from there. */
export function consumerLink(
  request: AttachRequest,
  target: ConsumerTarget,
  settings: ConsumerSettings,
): OutgoingLinkHandler {
  const { eventHub, consumerGroup, log } = target
  const epoch = epochOf(request)
  const withMetrics = request.desiredCapabilities.includes(runtimeMetric)
  let next = startOf(request.source?.value(7) ?? null, log)
  let link: OutgoingLink | undefined
  const leave = eventHub.readers.join(consumerGroup, log.id, { epoch, disconnect: (error) => link?.detach(error) })

  const pump = (): void => {
    if (link === undefined || !link.hasRoom || next >= log.nextSequenceNumber) return
    try {
      settings.authorize()
    } catch (error) {
      if (!(error instanceof AmqpError)) throw error
      link.detach(error)
      return
    }
    // What retention has dropped meanwhile is skipped, as the service does.
    next = Math.max(next, log.beginSequenceNumber)
    for (let event = log.at(next); event !== undefined && link.hasRoom; event = log.at(next)) {
      next++
      link.send(toDelivery(event, withMetrics ? metrics(log, settings.now()) : undefined))
    }
  }
  const stop = log.onAppend(pump)

  return {
    kind: 'outgoing',
    maxMessageSizeInBytes: settings.maxMessageSizeInBytes,
    ...(withMetrics ? { offeredCapabilities: [runtimeMetric] } : {}),
    ...properties(request),
    onOpen: (opened) => {
      link = opened
    },
    onRoom: pump,
    onClose: () => {
      stop()
      leave()
    },
  }
}

function epochOf(request: AttachRequest): number | undefined {
  const epoch = request.properties.get(epochProperty)
  if (epoch === undefined || epoch === null) return undefined
  const value = Number(epoch)
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new AmqpError('com.microsoft:argument-error', `${epochProperty} must be a long that is not negative.`)
}

function properties(request: AttachRequest): { properties?: Record<string, Buffer> } {
  const name = request.properties.get(receiverName)
  return typeof name === 'string' ? { properties: { [receiverName]: encode.string(name) } } : {}
}

/** The sender's message with what the service adds. */
function toDelivery(event: StoredEvent, delivery: Record<string, Buffer> | undefined): Buffer {
  return withAnnotations(event.bytes, {
    ...(delivery === undefined ? {} : { delivery }),
    message: {
      'x-opt-sequence-number': encode.long(event.sequenceNumber),
      'x-opt-offset': encode.string(String(event.offset)),
      'x-opt-enqueued-time': encode.timestamp(event.enqueuedAt),
    },
  })
}

function metrics(log: PartitionLog, now: number): Record<string, Buffer> {
  return {
    last_enqueued_sequence_number: encode.long(log.last?.sequenceNumber ?? -1),
    last_enqueued_offset: encode.string(String(log.last?.offset ?? -1)),
    last_enqueued_time_utc: encode.timestamp(log.last?.enqueuedAt ?? 0),
    runtime_info_retrieval_time_utc: encode.timestamp(now),
  }
}
