import type { RequestResponseLink, Response } from '../../../core/amqp/request-response-link.js'
import type { AuthToken, OperationLimits } from '../../../core/transport.js'
import { describeEntity, partitionIdsIn } from '../amqp/management.js'
import { isSuccess } from '../amqp/put-token.js'
import { printable } from '../printable.js'
import type { PartitionState } from './position.js'
import { ReadError, refusedDescription } from './read-error.js'

/** The partitions to read, and where each of them ends by now. */
export async function describePartitions(
  management: RequestResponseLink,
  eventHubName: string,
  wanted: readonly string[] | undefined,
  token: AuthToken,
  limits: OperationLimits,
): Promise<readonly { readonly id: string; readonly state: PartitionState }[]> {
  const hub = await described(describeEntity(management, { eventHubName }, token, limits), eventHubName)
  const known = partitionIdsIn(hub)
  if (!known) throw new ReadError('The service describes the event hub without partitions.', { code: 'protocol-error' })
  const missing = wanted?.find((id) => !known.includes(id))
  if (missing !== undefined) {
    throw new ReadError(`'${eventHubName}' has no partition '${printable(missing)}'. It has: ${known.join(', ')}.`, {
      code: 'entity-not-found',
    })
  }
  return Promise.all(
    (wanted ?? known).map(async (partitionId) => {
      const answer = describeEntity(management, { eventHubName, partitionId }, token, limits)
      return { id: partitionId, state: stateIn(await described(answer, eventHubName)) }
    }),
  )
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
