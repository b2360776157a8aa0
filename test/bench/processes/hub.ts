import { type LocalHub, type LocalHubEvent, startLocalHub } from '../../../infra/local-hub/index.js'
import { serve } from '../support/child.js'
import { idOf } from '../support/events.js'

export interface HubStart {
  readonly partitionCount: number
  /** What the hub keeps: enough for `tally` to see all it asks for. */
  readonly maxEventsPerPartition: number
}

export interface HubAddress {
  readonly connectionString: string
  readonly amqpPort: number
  readonly httpPort: number
  readonly partitionIds: readonly string[]
}

/** What became of the events numbered from `firstId`. */
export interface Tally {
  /** Events stored, copies included. */
  readonly stored: number
  /** Different events stored. */
  readonly distinct: number
  /** Numbers that were stored more than once. */
  readonly duplicates: readonly number[]
  /** Numbers that were not stored. */
  readonly missing: readonly number[]
  /** Partitions in which a later event stands before an earlier one; copies do not count. */
  readonly disordered: readonly string[]
  /** Partitions that hold at least one of them. */
  readonly partitionsUsed: number
}

const eventHubName = 'bench'
let hub: LocalHub | undefined

function started(): LocalHub {
  if (hub === undefined) throw new Error('The hub has not been started.')
  return hub
}

const commands = {
  async start({ partitionCount, maxEventsPerPartition }: HubStart): Promise<HubAddress> {
    hub = await startLocalHub({
      eventHubs: { [eventHubName]: { partitionCount } },
      // Each link needs a claim of its own, as the official client puts them.
      claimScope: 'exact',
      sasl: 'required',
      retention: { maxEventsPerPartition, maxSizeInBytes: 4 * 1024 ** 3 },
    })
    return {
      connectionString: hub.connectionString,
      amqpPort: hub.amqpPort,
      httpPort: hub.httpPort,
      partitionIds: Array.from({ length: partitionCount }, (_, i) => String(i)),
    }
  },

  tally({ firstId, count }: { readonly firstId: number; readonly count: number }): Tally {
    const copies = new Map<number, number>()
    const disordered: string[] = []
    let partitionsUsed = 0
    for (const events of byPartition(started().events(eventHubName))) {
      let last = -1
      let isUsed = false
      let isInOrder = true
      for (const { body } of events) {
        const id = idOf(body)
        if (!(id >= firstId && id < firstId + count)) continue
        isUsed = true
        const before = copies.get(id) ?? 0
        copies.set(id, before + 1)
        if (before > 0) continue
        isInOrder &&= id > last
        last = id
      }
      if (isUsed) partitionsUsed++
      if (!isInOrder) disordered.push(events[0]?.partitionId ?? '')
    }
    const ids = Array.from({ length: count }, (_, i) => firstId + i)
    return {
      stored: [...copies.values()].reduce((sum, times) => sum + times, 0),
      distinct: copies.size,
      duplicates: [...copies].filter(([, times]) => times > 1).map(([id]) => id),
      missing: ids.filter((id) => !copies.has(id)),
      disordered,
      partitionsUsed,
    }
  },

  /** How many events were ever stored, dropped ones included. */
  storedInAll(): number {
    return byPartition(started().events(eventHubName)).reduce(
      (sum, events) => sum + (events.at(-1)?.sequenceNumber ?? -1) + 1,
      0,
    )
  },

  forceCloseConnections(): void {
    started().faults.forceCloseConnections()
  },

  connectionCount(): number {
    return started().connections.length
  },
}

function byPartition(events: readonly LocalHubEvent[]): LocalHubEvent[][] {
  const found = new Map<string, LocalHubEvent[]>()
  for (const event of events) {
    const known = found.get(event.partitionId)
    if (known === undefined) found.set(event.partitionId, [event])
    else known.push(event)
  }
  return [...found.values()]
}

export type HubCommands = typeof commands
serve(commands)
