import type { RequestResponseLink, Response } from '../../../core/amqp/request-response-link.js'
import type { AuthToken, OperationLimits } from '../../../core/transport.js'
import { describeEntity, partitionIdsIn } from '../amqp/management.js'
import { isSuccess } from '../amqp/put-token.js'
import { printable } from '../printable.js'
import type { PartitionState } from './position.js'
import { ReadError, refusedDescription } from './read-error.js'

/** What is to be read, and how far it goes by now. */
export interface HubDescription {
  /** Milliseconds since the Unix epoch; NaN where the service does not say. */
  readonly createdAt: number
  readonly partitions: readonly { readonly id: string; readonly state: PartitionState }[]
}

/** Asks for the partitions to read. */
export async function describePartitions(
  management: RequestResponseLink,
  eventHubName: string,
  wanted: readonly string[] | undefined,
  token: AuthToken,
  limits: OperationLimits,
): Promise<HubDescription> {
  const hub = await described(describeEntity(management, { eventHubName }, token, limits), eventHubName)
  const known = partitionIdsIn(hub)
  if (!known) throw new ReadError('The service describes the event hub without partitions.', { code: 'protocol-error' })
  const missing = wanted?.find((id) => !known.includes(id))
  if (missing !== undefined) {
    throw new ReadError(
      `'${eventHubName}' has no partition '${printable(missing)}'. It has: ${printable(known.join(', '))}.`,
      {
        code: 'entity-not-found',
      },
    )
  }
  const partitions = await Promise.all(
    (wanted ?? known).map(async (partitionId) => {
      const answer = describeEntity(management, { eventHubName, partitionId }, token, limits)
      return { id: partitionId, state: stateIn(await described(answer, eventHubName)) }
    }),
  )
  const { created_at: createdAt } = (hub.body ?? {}) as { created_at?: unknown }
  return { createdAt: Number(createdAt ?? Number.NaN), partitions }
}

async function described(answer: Promise<Response>, eventHubName: string): Promise<Response> {
  const response = await answer
  if (isSuccess(response)) return response
  throw refusedDescription(response, eventHubName)
}

function stateIn({ body }: Response): PartitionState {
  const fields = (body ?? {}) as Record<string, unknown>
  return {
    isEmpty: fields.is_partition_empty === true,
    lastSequenceNumber: Number(fields.last_enqueued_sequence_number),
    lastOffset: String(fields.last_enqueued_offset),
    lastEnqueuedTime: Number(fields.last_enqueued_time_utc),
  }
}
