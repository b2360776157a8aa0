import type { RequestResponseLink, Response } from '../../../core/amqp/request-response-link.js'
import type { AuthToken, OperationLimits } from '../../../core/transport.js'

/** Asks `$management` to describe an event hub, or one of its partitions. Resolves whatever the status. */
export function describeEntity(
  management: RequestResponseLink,
  entity: { readonly eventHubName: string; readonly partitionId?: string },
  { token }: AuthToken,
  limits: OperationLimits,
): Promise<Response> {
  const { eventHubName, partitionId } = entity
  const application_properties = {
    operation: 'READ',
    type: partitionId === undefined ? 'com.microsoft:eventhub' : 'com.microsoft:partition',
    name: eventHubName,
    ...(partitionId === undefined ? {} : { partition: partitionId }),
    security_token: token,
  }
  return management.request({ body: Buffer.alloc(0), application_properties }, limits)
}

/** The ids in an answer about an event hub; undefined where it has none. */
export function partitionIdsIn({ body }: Response): readonly string[] | undefined {
  const { partition_ids: ids } = (body ?? {}) as { partition_ids?: unknown }
  const isList = Array.isArray(ids) && ids.length > 0 && ids.every((id) => typeof id === 'string')
  return isList ? ids : undefined
}
