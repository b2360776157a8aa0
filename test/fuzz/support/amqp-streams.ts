import { EventHubConsumerClient } from '@azure/event-hubs'
import { EventHubProducerClient } from '../../../core/index.js'
import { startLocalHub } from '../../../infra/local-hub/index.js'
import { startRelay } from '../../support/relay.js'

/** What both sides of real conversations said, as it was on the wire. */
export interface Recorded {
  readonly byClients: readonly Buffer[]
  readonly byHub: readonly Buffer[]
}

export const sharedAccessKey = 'key-of-the-fuzzed-hub'

/** Records our producer, by each kind of sign-in, and the official consumer, each on a connection of its own. */
export async function recordConversations(): Promise<Recorded> {
  const hub = await startLocalHub({ sharedAccessKeys: { root: sharedAccessKey } })
  const byClients: Buffer[] = []
  const byHub: Buffer[] = []
  const record = async (converse: (connectionString: string) => Promise<void>) => {
    const relay = await startRelay(hub.amqpPort)
    try {
      await converse(hub.connectionString.replace(`:${hub.amqpPort}`, `:${relay.port}`))
      byClients.push(relay.sent)
      byHub.push(relay.answered)
    } finally {
      await relay.close()
    }
  }
  try {
    for (const options of [
      { sasl: 'plain' },
      { sasl: 'cbs' },
      { sasl: 'cbs', enableIdempotentRetries: true },
    ] as const) {
      await record(async (connectionString) => {
        const client = EventHubProducerClient.fromConnectionString(connectionString, options)
        await client.getPartitionIds()
        await client.getPartitionProperties('0')
        await client.sendEvent({ body: 'one', properties: { text: 'a', number: 1.5 } }, { partitionId: '1' })
        await client.sendBatch([{ body: { two: 2 } }, { body: Buffer.alloc(300) }], { partitionKey: 'key' })
        await client.close()
      })
    }
    await record(async (connectionString) => {
      const consumer = new EventHubConsumerClient('$Default', connectionString, 'events')
      await new Promise<void>((resolve, reject) => {
        consumer.subscribe(
          '1',
          {
            processEvents: async (events) => {
              if (events.length > 0) resolve()
            },
            processError: async (error) => reject(error),
          },
          { startPosition: { sequenceNumber: 0, isInclusive: true } },
        )
      })
      await consumer.close()
    })
  } finally {
    await hub.close()
  }
  return { byClients, byHub }
}

/** A stream cut into its units: protocol headers of eight bytes, and frames. */
export function unitsOf(bytes: Buffer): Buffer[] {
  const units: Buffer[] = []
  for (let at = 0; at + 8 <= bytes.length; ) {
    const isHeader = bytes.toString('latin1', at, at + 4) === 'AMQP'
    const length = isHeader ? 8 : bytes.readUInt32BE(at)
    units.push(bytes.subarray(at, at + length))
    at += length
  }
  return units
}
