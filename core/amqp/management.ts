import { EventHubError, OperationTimeoutError } from '../errors.js'
import type { EventHubProperties, OperationLimits, PartitionProperties } from '../transport.js'
import type { AmqpConnection } from './connection.js'
import type { Response } from './request-response-link.js'

export async function readEventHub(
  connection: AmqpConnection,
  eventHubName: string,
  limits: OperationLimits,
): Promise<EventHubProperties> {
  const body = await read(connection, { type: 'com.microsoft:eventhub', name: eventHubName }, limits)
  const { name, created_at: createdAt, partition_ids: partitionIds } = body
  if (
    !Array.isArray(partitionIds) ||
    partitionIds.length === 0 ||
    !partitionIds.every((id) => typeof id === 'string')
  ) {
    throw new EventHubError('The service described the event hub without partition ids.', { code: 'protocol-error' })
  }
  return { eventHubName: String(name), createdAt: asDate(createdAt), partitionIds }
}

export async function readPartition(
  connection: AmqpConnection,
  eventHubName: string,
  partitionId: string,
  limits: OperationLimits,
): Promise<PartitionProperties> {
  const request = { type: 'com.microsoft:partition', name: eventHubName, partition: partitionId }
  const body = await read(connection, request, limits)
  return {
    id: String(body.partition),
    eventHubName: String(body.name),
    beginningSequenceNumber: Number(body.begin_sequence_number),
    lastEnqueuedSequenceNumber: Number(body.last_enqueued_sequence_number),
    lastEnqueuedOffset: String(body.last_enqueued_offset),
    lastEnqueuedTimeUtc: asDate(body.last_enqueued_time_utc),
    isEmpty: body.is_partition_empty === true,
  }
}

async function read(
  connection: AmqpConnection,
  request: Record<string, unknown>,
  limits: OperationLimits,
): Promise<Record<string, unknown>> {
  const response = await connection.manage({ operation: 'READ', ...request }, limits)
  if (response.statusCode < 200 || response.statusCode >= 300) throw refused(response)
  const { body } = response
  if (typeof body !== 'object' || body === null) {
    throw new EventHubError('The service answered without properties.', { code: 'protocol-error' })
  }
  return body as Record<string, unknown>
}

function refused({ statusCode, statusDescription }: Response): EventHubError {
  const message = `The service refused to describe the entity (${statusCode})${statusDescription ? `: ${statusDescription}` : ''}.`
  const condition = String(statusCode)
  if (statusCode === 401 || statusCode === 403) return new EventHubError(message, { code: 'unauthorized', condition })
  if (statusCode === 404) {
    return new EventHubError(`${message} Check the names of namespace, event hub and partition.`, {
      code: 'entity-not-found',
      condition,
    })
  }
  if (statusCode === 400) return new EventHubError(message, { code: 'argument-error', condition })
  if (statusCode === 408) return new OperationTimeoutError(message, { condition })
  const code = statusCode === 503 || statusCode === 429 ? 'server-busy' : 'service-error'
  return new EventHubError(message, { code, retryable: statusCode >= 500 || statusCode === 429, condition })
}

function asDate(value: unknown): Date {
  return value instanceof Date ? value : new Date(Number(value))
}
