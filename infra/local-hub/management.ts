import * as encode from './amqp/encoder.js'
import { AmqpError } from './amqp/errors.js'
import type { Claims } from './claims.js'
import type { EventHub } from './event-hub.js'
import type { PartitionLog } from './partition-log.js'
import { type Reply, type Request, textOf } from './request-reply.js'

// 0001-01-01, which the service gives as the time of the last event where there has been none.
const never = -62_135_596_800_000

/** Answers `READ` of an event hub or a partition: 200 with a map, 404 for what does not exist, 401 without a claim. */
export function readManagement(request: Request, claims: Claims, find: (name: string) => EventHub | undefined): Reply {
  const { applicationProperties: properties } = request
  const name = textOf(properties.get('name')) ?? ''
  const type = textOf(properties.get('type'))
  if (textOf(properties.get('operation')) !== 'READ') {
    return failed(400, 'com.microsoft:argument-error', 'The operation must be READ.')
  }
  const eventHub = find(name)
  if (eventHub === undefined) {
    return failed(404, 'amqp:not-found', `The messaging entity '${name.slice(0, 256)}' could not be found.`)
  }
  try {
    claims.require(`${name.toLowerCase()}/$management`, ['send', 'listen', 'manage'])
  } catch (error) {
    if (!(error instanceof AmqpError)) throw error
    return failed(401, error.condition, error.message)
  }
  if (type === 'com.microsoft:eventhub') return found(describeEventHub(eventHub))
  if (type !== 'com.microsoft:partition') {
    return failed(
      400,
      'com.microsoft:argument-error',
      'The type must be com.microsoft:eventhub or com.microsoft:partition.',
    )
  }
  const partition = eventHub.partitions.find(({ log }) => log.id === textOf(properties.get('partition')))
  if (partition !== undefined) return found(describePartition(eventHub, partition.log))
  const last = eventHub.partitions.length - 1
  return failed(
    404,
    'com.microsoft:argument-out-of-range',
    `The partition does not exist. It should be between 0 and ${last}.`,
  )
}

function describeEventHub(eventHub: EventHub): Buffer {
  return encode.stringMap({
    name: encode.string(eventHub.name),
    type: encode.string('com.microsoft:eventhub'),
    created_at: encode.timestamp(eventHub.createdAt),
    partition_count: encode.int(eventHub.partitions.length),
    partition_ids: encode.stringArray(eventHub.partitionIds),
    georeplication_factor: encode.int(1),
  })
}

function describePartition(eventHub: EventHub, log: PartitionLog): Buffer {
  return encode.stringMap({
    name: encode.string(eventHub.name),
    type: encode.string('com.microsoft:partition'),
    partition: encode.string(log.id),
    begin_sequence_number: encode.long(log.beginSequenceNumber),
    last_enqueued_sequence_number: encode.long(log.last?.sequenceNumber ?? -1),
    last_enqueued_offset: encode.string(String(log.last?.offset ?? -1)),
    last_enqueued_time_utc: encode.timestamp(log.last?.enqueuedAt ?? never),
    is_partition_empty: encode.boolean(log.count === 0),
  })
}

function found(body: Buffer): Reply {
  return { statusCode: 200, statusDescription: 'OK', body }
}

function failed(statusCode: number, errorCondition: string, statusDescription: string): Reply {
  return { statusCode, errorCondition, statusDescription }
}
