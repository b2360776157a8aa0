import type { EncodedEvent, Transport, TransportFactory } from '../../../core/transport.js'
import { numberOf } from './event-number.js'

/**
 * The same transport, watched: `unanswered` is told the numbers of the events of each attempt that ended without an
 * answer. What the client makes of it is not touched.
 */
export function watching(make: TransportFactory, unanswered: (number: number) => void): TransportFactory {
  return (context) => {
    const inner = make(context)
    const numbers = new WeakMap<EncodedEvent, number>()
    const { codec } = inner
    const { release } = codec
    return {
      name: inner.name,
      canReadProperties: inner.canReadProperties,
      canRetryIdempotently: inner.canRetryIdempotently ?? false,
      codec: {
        encode: (event, key) => {
          const encoded = codec.encode(event, key)
          numbers.set(encoded, numberOf(event.body))
          return encoded
        },
        envelopeSizeInBytes: (first) => codec.envelopeSizeInBytes(first),
        ...(release === undefined ? {} : { release: (event: EncodedEvent) => release.call(codec, event) }),
      },
      maxBatchSizeInBytes: (partitionId) => inner.maxBatchSizeInBytes(partitionId),
      send: (partitionId, events, limits) => {
        // Taken now: an event that nobody will read again may be used for another one.
        const sent = events.map((event) => numbers.get(event))
        return inner.send(partitionId, events, limits).catch((error: { outcome?: unknown }) => {
          if (error.outcome === 'unknown') for (const number of sent) if (number !== undefined) unanswered(number)
          throw error
        })
      },
      getEventHubProperties: (limits) => inner.getEventHubProperties(limits),
      getPartitionProperties: (partitionId, limits) => inner.getPartitionProperties(partitionId, limits),
      warmUp: (limits) => inner.warmUp(limits),
      checkLiveness: () => inner.checkLiveness(),
      retireConnection: () => inner.retireConnection(),
      close: (limits) => inner.close(limits),
    } satisfies Transport
  }
}
