import type {
  BatchSample,
  ConnectionView,
  FaultSpan,
  FaultsView,
  Happening,
  HubFacts,
  Latency,
  ProducerView,
  StoredCount,
  Update,
} from '../protocol.js'

/** The lanes show this much of the past. */
export const laneWindowInMs = 30_000
/** The plots show this much. */
export const plotWindowInMs = 60_000
/** A lane's columns are this wide. */
export const columnInMs = 250
const keptBatches = 300
const keptEntries = 400
const keptMarks = 400

export type Link = 'connecting' | 'live' | 'lost'

/** Events stored in one column's time, counted, not sampled. */
export interface Lane {
  readonly count: StoredCount
  readonly columns: ReadonlyMap<number, number>
  /** Batches to draw; a sample when there are many. */
  readonly marks: readonly BatchSample[]
  readonly last: BatchSample | undefined
}

/** Invocations of the stream that went well in a row are one line. */
export interface InvocationsEntry {
  readonly kind: 'invocations'
  readonly id: number
  readonly at: number
  readonly invocations: number
  readonly events: number
  readonly fastestInMs: number
  readonly slowestInMs: number
}

export type Entry = Happening | InvocationsEntry

/** What the page knows. */
export interface State {
  readonly link: Link
  /** How far the server's clock is ahead of this one. */
  readonly clockAheadInMs: number
  readonly hub: HubFacts | undefined
  readonly lanes: ReadonlyMap<string, Lane>
  readonly batches: readonly BatchSample[]
  readonly producer: ProducerView | undefined
  readonly faults: FaultsView
  readonly connections: readonly ConnectionView[]
  readonly entries: readonly Entry[]
  readonly latencies: readonly Latency[]
  readonly throughput: ReadonlyMap<number, number>
  readonly spans: readonly FaultSpan[]
}

export const nothingYet: State = {
  link: 'connecting',
  clockAheadInMs: 0,
  hub: undefined,
  lanes: new Map(),
  batches: [],
  producer: undefined,
  faults: { throttle: false, silence: false, refuseConnections: false, latencyInMs: 0 },
  connections: [],
  entries: [],
  latencies: [],
  throughput: new Map(),
  spans: [],
}

export function laneKey(eventHubName: string, partitionId: string): string {
  return `${eventHubName}/${partitionId}`
}

/** What is known after an update, received at `receivedAt` of this clock. */
export function apply(before: State, update: Update, receivedAt: number): State {
  const isAnew = update.hub !== undefined
  const base = isAnew ? { ...nothingYet, hub: update.hub } : before
  return {
    ...base,
    link: 'live',
    clockAheadInMs: update.at - receivedAt,
    lanes: lanesAfter(base.lanes, update, isAnew),
    batches: update.batches ? [...base.batches, ...update.batches].slice(-keptBatches) : base.batches,
    producer: update.producer ?? base.producer,
    faults: update.faults ?? base.faults,
    connections: update.connections ?? base.connections,
    entries: update.happened ? entriesAfter(base.entries, update.happened) : base.entries,
    latencies: update.latencies
      ? [...base.latencies, ...update.latencies].filter(({ at }) => at > update.at - plotWindowInMs)
      : base.latencies,
    throughput: update.throughput ? throughputAfter(base.throughput, update) : base.throughput,
    spans: update.spans ?? base.spans,
  }
}

function lanesAfter(before: ReadonlyMap<string, Lane>, update: Update, isAnew: boolean): ReadonlyMap<string, Lane> {
  const { stored, batches } = update
  if (stored === undefined && batches === undefined) return before
  const lanes = new Map(before)
  const oldest = update.at - laneWindowInMs
  for (const count of stored ?? []) {
    const key = laneKey(count.eventHubName, count.partitionId)
    const lane = lanes.get(key)
    const columns = new Map([...(lane?.columns ?? [])].filter(([column]) => (column + 1) * columnInMs > oldest))
    // What was stored before the page came belongs to no column.
    const events = isAnew ? 0 : count.events - (lane?.count.events ?? 0)
    const column = Math.floor(update.at / columnInMs)
    if (events > 0) columns.set(column, (columns.get(column) ?? 0) + events)
    lanes.set(key, { count, columns, marks: lane?.marks ?? [], last: lane?.last })
  }
  for (const batch of batches ?? []) {
    const key = laneKey(batch.eventHubName, batch.partitionId)
    const lane = lanes.get(key)
    if (lane === undefined) continue
    const marks = [...lane.marks, batch].filter(({ at }) => at > oldest).slice(-keptMarks)
    lanes.set(key, { ...lane, marks, last: batch })
  }
  return lanes
}

function throughputAfter(before: ReadonlyMap<number, number>, update: Update): ReadonlyMap<number, number> {
  const oldest = (update.at - plotWindowInMs) / 1000 - 2
  const seconds = new Map([...before].filter(([second]) => second > oldest))
  for (const { second, events } of update.throughput ?? []) seconds.set(second, events)
  return seconds
}

/** Joins what went well in a row, so that what did not stands out. */
export function entriesAfter(before: readonly Entry[], happened: readonly Happening[]): readonly Entry[] {
  const entries = [...before]
  for (const one of happened) {
    const last = entries.at(-1)
    if (one.kind !== 'invocation' || one.origin === 'form' || one.accepted < one.taken) {
      entries.push(one)
      continue
    }
    const joined = last?.kind === 'invocations' && isAlike(last, one.durationInMs) ? last : undefined
    if (joined) entries.pop()
    entries.push({
      kind: 'invocations',
      id: joined?.id ?? one.id,
      at: one.at,
      invocations: (joined?.invocations ?? 0) + 1,
      events: (joined?.events ?? 0) + one.taken,
      fastestInMs: Math.min(joined?.fastestInMs ?? Number.POSITIVE_INFINITY, one.durationInMs),
      slowestInMs: Math.max(joined?.slowestInMs ?? 0, one.durationInMs),
    })
  }
  return entries.slice(-keptEntries)
}

/** One that took much longer than the others has something to tell. */
function isAlike({ fastestInMs, slowestInMs }: InvocationsEntry, durationInMs: number): boolean {
  const slowest = Math.max(slowestInMs, durationInMs)
  return slowest < 100 || slowest / Math.min(fastestInMs, durationInMs) <= 10
}
