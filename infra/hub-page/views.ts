import type { LocalHub, LocalHubConnection } from '../local-hub/index.js'
import type { ConnectionView, FaultsView, StoredCount } from './protocol.js'

export function faultsView({ faults }: LocalHub): FaultsView {
  const { throttle, silence, refuseConnections, latencyInMs } = faults
  return { throttle: throttle !== undefined, silence, refuseConnections, latencyInMs }
}

export function connectionView(connection: LocalHubConnection): ConnectionView {
  const { id, userAgent, containerId, saslMechanism, links, claims } = connection
  return {
    id,
    ...(userAgent !== undefined && { userAgent }),
    ...(containerId !== undefined && { containerId: containerId.slice(0, 128) }),
    ...(saslMechanism !== undefined && { saslMechanism }),
    links: links.map(({ address, role }) => ({ address, role })),
    claims: claims.map(({ path, rights, expiresAt }) => ({
      path,
      rights,
      ...(Number.isFinite(expiresAt) && { expiresAt }),
    })),
  }
}

/** The counts of every partition, those that have nothing yet included. */
export function everyPartition(hub: LocalHub, counts: readonly StoredCount[]): StoredCount[] {
  const known = new Map(counts.map((count) => [`${count.eventHubName}/${count.partitionId}`, count]))
  return hub.eventHubNames.flatMap((eventHubName) =>
    hub.partitionIds(eventHubName).map((partitionId) => {
      const nothing = { eventHubName, partitionId, events: 0, batches: 0, sizeInBytes: 0 }
      return known.get(`${eventHubName}/${partitionId}`) ?? nothing
    }),
  )
}
