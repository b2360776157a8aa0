import * as encode from './amqp/encoder.js'
import { AmqpError } from './amqp/errors.js'
import type { IncomingLink } from './amqp/incoming-link.js'
import type { AttachRequest, Delivery, IncomingLinkHandler } from './amqp/link-types.js'
import { type Batch, type BatchEvent, readBatch } from './batch.js'
import type { EventHub, Partition } from './event-hub.js'
import type { FaultState } from './faults.js'
import * as idempotency from './idempotency.js'
import { mapSection, section } from './message-bytes.js'

export interface ProducerTarget {
  readonly eventHub: EventHub
  /** Undefined: the hub chooses one per batch. */
  readonly partition: Partition | undefined
}

export interface ProducerSettings {
  readonly maxMessageSizeInBytes: number
  readonly linkCredit: number
  readonly faults: FaultState
  /** Throws when the producer may not send any more. */
  authorize(): void
}

/** Takes one producer's messages: checks them, stores them, and only then accepts them. */
export function producerLink(
  request: AttachRequest,
  target: ProducerTarget,
  settings: ProducerSettings,
): IncomingLinkHandler {
  const { faults, maxMessageSizeInBytes } = settings
  const producer = idempotentProducer(request, target)
  let link: IncomingLink | undefined

  const store = (batch: Batch): Partition => {
    const partition = target.partition ?? target.eventHub.choosePartition(batch.partitionKey)
    if (producer?.judge(batch) !== 'duplicate') partition.log.append(batch.events)
    return partition
  }

  const onDelivery = (delivery: Delivery): void => {
    const fault = faults.takeSendFault(target.eventHub.name, target.partition?.log.id)
    if (fault?.kind === 'reject') throw fault.error
    if (fault?.kind === 'detach' && !fault.afterStoring) {
      link?.detach(fault.error)
      return
    }
    const { sizeInBytes } = delivery
    if (sizeInBytes > maxMessageSizeInBytes) throw tooLarge(sizeInBytes, maxMessageSizeInBytes)
    store(readBatch(delivery.format, delivery.bytes))
    if (fault?.kind === 'detach') link?.detach(fault.error)
    else if (fault === undefined) delivery.accept()
  }

  return {
    kind: 'incoming',
    maxMessageSizeInBytes,
    creditWindow: () => (faults.withholdCredit ? 0 : settings.linkCredit),
    ...producer?.reply,
    onOpen: (opened) => {
      link = opened
    },
    onClose: () => {},
    onDelivery: (delivery) => {
      try {
        settings.authorize()
      } catch (error) {
        if (error instanceof AmqpError) return link?.detach(error)
        throw error
      }
      try {
        onDelivery(delivery)
      } catch (error) {
        if (!(error instanceof AmqpError)) throw error
        delivery.reject(error)
      }
    },
  }
}

export function tooLarge(sizeInBytes: number, limitInBytes: number): AmqpError {
  return new AmqpError(
    'amqp:link:message-size-exceeded',
    `The received message (${sizeInBytes} bytes) exceeds the limit (${limitInBytes} bytes) allowed on the link.`,
  )
}

interface IdempotentLink {
  readonly reply: Pick<IncomingLinkHandler, 'offeredCapabilities' | 'properties'>
  judge(batch: Batch): 'store' | 'duplicate'
}

function idempotentProducer(request: AttachRequest, target: ProducerTarget): IdempotentLink | undefined {
  if (!request.desiredCapabilities.includes(idempotency.idempotentCapability)) return undefined
  const { partition } = target
  if (partition === undefined) {
    throw new AmqpError('amqp:not-allowed', 'An idempotent producer must send to a partition, not to the event hub.')
  }
  const { producers } = partition
  const id = request.properties.get(idempotency.producerId)
  const state = producers.attach({
    id: typeof id === 'number' || typeof id === 'bigint' ? id : undefined,
    epoch: numberIn(request, idempotency.producerEpoch),
    sequenceNumber: numberIn(request, idempotency.producerSequenceNumber),
  })
  const { epoch } = state
  return {
    reply: {
      offeredCapabilities: [idempotency.idempotentCapability],
      properties: {
        [idempotency.producerId]: encode.long(state.id),
        [idempotency.producerEpoch]: encode.short(epoch),
        [idempotency.producerSequenceNumber]: encode.int(state.sequenceNumber),
      },
    },
    judge: (batch) => producers.judge(state, epoch, batch.events.map(stampOf)),
  }
}

function numberIn(request: AttachRequest, name: string): number | undefined {
  const value = request.properties.get(name)
  return typeof value === 'number' ? value : undefined
}

function stampOf(event: BatchEvent): idempotency.EventStamp {
  const annotations = mapSection(event.bytes, event.sections, section.messageAnnotations)
  return {
    id: annotations.get(idempotency.producerId),
    epoch: annotations.get(idempotency.producerEpoch),
    sequenceNumber: annotations.get(idempotency.producerSequenceNumber),
  }
}
