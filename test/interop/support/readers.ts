import { EventHubConsumerClient, earliestEventPosition, type ReceivedEventData } from '@azure/event-hubs'
import type { Service } from './service.js'
import type { Stranger } from './stranger.js'

/** An AMQP value as the Python programs write it: its type, and its value. */
export type Neutral = readonly [type: string, value: unknown]

/** What azure_client.py says of an event. */
export interface AzureEvent {
  readonly partition: string
  readonly body: Neutral
  readonly body_type: 'data' | 'sequence' | 'value'
  readonly sequence_number: number
  readonly partition_key: string | null
  readonly content_type: string | null
  readonly message_id: Neutral
  readonly correlation_id: Neutral
  readonly properties: Readonly<Record<string, Neutral>>
  readonly annotations: Readonly<Record<string, Neutral>>
  readonly header: Readonly<Record<string, unknown>>
  readonly amqp_properties: Readonly<Record<string, Neutral>>
}

/** What proton_client.py says of a message. */
export interface ProtonMessage {
  readonly body: Neutral
  /** Whether the body is data or a sequence. */
  readonly inferred: boolean
  readonly id: Neutral
  readonly correlation_id: Neutral
  readonly user_id: string
  readonly properties: Readonly<Record<string, Neutral>>
  readonly annotations: Readonly<Record<string, Neutral>>
  readonly instructions: Readonly<Record<string, Neutral>>
  readonly [field: string]: unknown
}

/** The official JavaScript client: `count` events of an event hub, partition by partition, in order. */
export async function readWithJavaScript(
  { hub }: Service,
  eventHubName: string,
  count: number,
): Promise<(ReceivedEventData & { readonly partition: string })[]> {
  const consumer = new EventHubConsumerClient('$Default', hub.connectionStringFor(eventHubName))
  const received: (ReceivedEventData & { partition: string })[] = []
  if (count > 0) {
    await new Promise<void>((resolve, reject) => {
      consumer.subscribe(
        {
          processEvents: async (events, { partitionId }) => {
            received.push(...events.map((event) => Object.assign(event, { partition: partitionId })))
            if (received.length >= count) resolve()
          },
          processError: async (error) => reject(error),
        },
        { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 1, skipParsingBodyAsJson: true },
      )
    })
  }
  // Its close takes seconds; the hub's own close ends it, and nothing here waits for it.
  void consumer.close().catch(() => {})
  return inOrder(received, ({ sequenceNumber }) => sequenceNumber)
}

/** The official Python client: as above. */
export async function readWithPython(
  azure: Stranger,
  connection: Record<string, unknown>,
  count: number,
): Promise<AzureEvent[]> {
  const received = await azure.call<AzureEvent[]>('receive', { ...connection, count })
  return inOrder(received, ({ sequence_number }) => sequence_number)
}

/** Qpid Proton: `count` messages of one partition. */
export function readWithProton(
  proton: Stranger,
  service: Service,
  eventHubName: string,
  count: number,
  partitionId = '0',
): Promise<ProtonMessage[]> {
  return proton.call('receive', {
    ...service.proton,
    address: `${eventHubName}/ConsumerGroups/$Default/Partitions/${partitionId}`,
    selector: "amqp.annotation.x-opt-offset > '-1'",
    count,
  })
}

function inOrder<T extends { readonly partition: string }>(events: T[], sequenceNumber: (event: T) => number): T[] {
  return events.sort((a, b) => Number(a.partition) - Number(b.partition) || sequenceNumber(a) - sequenceNumber(b))
}

/** Bytes that a shift or a repetition would change; the Python programs make the same. */
export function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i++) {
    const place = i % 65536
    bytes[i] = (place * 31 + (place >> 8)) & 0xff
  }
  return bytes
}
