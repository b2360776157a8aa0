import type { AmqpEvent } from '../../core/amqp/amqp-event.js'
import { amqpCodec, encodeBatch } from '../../core/amqp/codec.js'
import type { EventInput } from '../../core/event-data.js'
import { Tracing, type TracingSettings } from '../../core/tracing.js'
import { sectionCode, typedMap } from './amqp-sections.js'

/** Room enough for every event of these tests. */
export const room = 1024 * 1024

export interface TracingSetup {
  readonly tracing: Tracing
  readonly warnings: readonly string[]
}

export function newTracing(settings: Partial<TracingSettings> = {}): TracingSetup {
  const warnings: string[] = []
  const tracing = new Tracing({
    isEnabled: true,
    eventHubName: 'orders',
    fullyQualifiedNamespace: 'ns.servicebus.windows.net',
    port: undefined,
    logger: { warn: (message) => warnings.push(message) },
    ...settings,
  })
  return { tracing, warnings }
}

/** Takes an event as the client does, over AMQP. */
export function encode(tracing: Tracing, event: EventInput, key?: string, maxSizeInBytes = room): AmqpEvent {
  return tracing.encode(amqpCodec, event, key, maxSizeInBytes)
}

/** Everything that an encoded event is, wherever it is kept. */
export function factsOf(event: AmqpEvent) {
  return {
    inBatch: encodeBatch([event]),
    sizeInBytes: event.sizeInBytes,
    envelope: amqpCodec.envelopeSizeInBytes(event),
    partitionKey: event.partitionKey,
  }
}

/** The same, of the event as it is without anything of ours. */
export function plainFactsOf(event: EventInput, key?: string) {
  return factsOf(amqpCodec.encode(event, key))
}

export function propertiesOf(event: AmqpEvent) {
  return typedMap(event.bytes, sectionCode.applicationProperties)
}

export function traceparentIn(event: AmqpEvent): unknown {
  return propertiesOf(event)['Str8 traceparent']?.[1]
}
