import type { LocalHub, LocalHubBatch, LocalHubStoredEvent } from '../local-hub/index.js'
import type { Ledger } from './ledger.js'
import { numberProperty, takenAtProperty } from './producer-protocol.js'
import type { BatchSample, Latency, StoredCount, ThroughputSecond } from './protocol.js'

/** In one message to the page, of one partition. What is beyond is counted, not shown. */
const maxSamplesPerPartition = 5
const maxSamples = 60
/** What a page that has just been opened is shown. */
const keptSamples = 100
const keptSeconds = 120
const previewSizeInBytes = 160
/** The stream's events carry their number within this many bytes. */
const markerReachInBytes = 1024
const marker = Buffer.from(numberProperty)

interface Arrived extends Omit<BatchSample, 'preview' | 'contentType'> {}

/** Whether an event may be one of the page's stream, by a glance at its bytes. */
export function isOfStream({ bytes }: Pick<LocalHubStoredEvent, 'bytes'>): boolean {
  return bytes.subarray(0, markerReachInBytes).includes(marker)
}

/** Counts everything that the hub stores, and picks a few batches to be shown. Cheap at any rate: it decodes only those. */
export class Arrivals {
  readonly #ledger: Ledger
  readonly #now: () => number
  readonly #created: () => number
  readonly #counts = new Map<string, StoredCount>()
  readonly #changed = new Set<string>()
  readonly #perSecond = new Map<number, number>()
  #fresh = new Map<string, Arrived[]>()
  #kept: BatchSample[] = []
  #latencies: Latency[] = []

  /** @param created how many numbered events the source has made */
  constructor(ledger: Ledger, created: () => number, now: () => number) {
    this.#ledger = ledger
    this.#created = created
    this.#now = now
  }

  /** The hub's `onBatch`. `hub` decodes the stream's own events, to be found again in the ledger. */
  onBatch(hub: LocalHub, { eventHubName, partitionId, events }: LocalHubBatch): void {
    const key = `${eventHubName}/${partitionId}`
    const sizeInBytes = events.reduce((sum, { bytes }) => sum + bytes.length, 0)
    const before = this.#counts.get(key)
    this.#counts.set(key, {
      eventHubName,
      partitionId,
      events: (before?.events ?? 0) + events.length,
      batches: (before?.batches ?? 0) + 1,
      sizeInBytes: (before?.sizeInBytes ?? 0) + sizeInBytes,
    })
    this.#changed.add(key)
    const second = Math.floor(this.#now() / 1000)
    this.#perSecond.set(second, (this.#perSecond.get(second) ?? 0) + events.length)
    const [first] = events
    if (first === undefined) return
    const samples = this.#fresh.get(key) ?? []
    this.#fresh.set(key, samples)
    const sample = arrived(eventHubName, partitionId, first, events.length, sizeInBytes)
    if (samples.length < maxSamplesPerPartition) samples.push(sample)
    else samples[maxSamplesPerPartition - 1] = sample
    for (const event of events) this.#account(hub, eventHubName, partitionId, event)
  }

  /** What a page is told of counts: all of them, or those that changed since the last call. */
  counts(which: 'all' | 'changed'): StoredCount[] {
    const keys = which === 'all' ? [...this.#counts.keys()] : [...this.#changed]
    if (which === 'changed') this.#changed.clear()
    return keys.flatMap((key) => this.#counts.get(key) ?? [])
  }

  /** The batches picked since the last call, decoded. */
  takeSamples(hub: LocalHub): BatchSample[] {
    const fresh = [...this.#fresh.values()].flat().sort((a, b) => a.at - b.at)
    this.#fresh = new Map()
    // Thinned out evenly, so that no partition is favoured.
    const step = Math.max(1, fresh.length / maxSamples)
    const chosen = fresh.filter((_, index) => Math.floor(index / step) !== Math.floor((index - 1) / step))
    const samples = chosen.flatMap((sample) => decoded(hub, sample))
    this.#kept = [...this.#kept, ...samples].slice(-keptSamples)
    return samples
  }

  get keptSamples(): readonly BatchSample[] {
    return this.#kept
  }

  takeLatencies(): Latency[] {
    const taken = this.#latencies
    this.#latencies = []
    return taken
  }

  /** By second, ascending; of the seconds since `since` alone. */
  throughput(since = 0): ThroughputSecond[] {
    for (const second of this.#perSecond.keys()) {
      if (this.#perSecond.size <= keptSeconds) break
      this.#perSecond.delete(second)
    }
    return [...this.#perSecond].filter(([second]) => second >= since).map(([second, events]) => ({ second, events }))
  }

  #account(hub: LocalHub, eventHubName: string, partitionId: string, event: LocalHubStoredEvent): void {
    if (!isOfStream(event)) return
    const properties = hub.event(eventHubName, partitionId, event.sequenceNumber)?.applicationProperties
    const number = properties?.[numberProperty]
    const takenAt = Number(properties?.[takenAtProperty])
    // Anyone may send a property of that name.
    if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number >= this.#created()) return
    if (!this.#ledger.store(number) || !Number.isFinite(takenAt)) return
    const last = this.#latencies.at(-1)
    const durationInMs = Math.max(0, event.enqueuedAt - takenAt)
    // One for all events of a batch, the slowest.
    if (last?.at !== event.enqueuedAt) this.#latencies.push({ kind: 'stored', at: event.enqueuedAt, durationInMs })
    else if (last.durationInMs < durationInMs) this.#latencies[this.#latencies.length - 1] = { ...last, durationInMs }
  }
}

function arrived(
  eventHubName: string,
  partitionId: string,
  { sequenceNumber, enqueuedAt, partitionKey }: LocalHubStoredEvent,
  events: number,
  sizeInBytes: number,
): Arrived {
  const at = { eventHubName, partitionId, sequenceNumber, at: enqueuedAt, events, sizeInBytes }
  return partitionKey === undefined ? at : { ...at, partitionKey: partitionKey.slice(0, 128) }
}

function decoded(hub: LocalHub, sample: Arrived): BatchSample[] {
  const event = hub.event(sample.eventHubName, sample.partitionId, sample.sequenceNumber)
  // The retention may have been faster.
  if (event === undefined) return []
  const contentType = event.properties['content-type']
  const body = event.body.length === 0 && event.value !== undefined ? Buffer.from(jsonOf(event.value)) : event.body
  return [
    {
      ...sample,
      preview: previewOf(body),
      ...(typeof contentType === 'string' && { contentType: contentType.slice(0, 128) }),
    },
  ]
}

/** JSON, for people: what JSON has no form for becomes text. */
export function jsonOf(value: unknown): string {
  const plain = (_: string, item: unknown): unknown => {
    if (typeof item === 'bigint') return item.toString()
    // What JSON.stringify makes of a Buffer before this sees it.
    const { type, data } = (item ?? {}) as { type?: unknown; data?: unknown }
    return type === 'Buffer' && Array.isArray(data) ? `0x${Buffer.from(data as number[]).toString('hex')}` : item
  }
  return JSON.stringify(value, plain, 2) ?? 'null'
}

/** The beginning of a body on one line; bytes that are no text in hexadecimal. */
export function previewOf(body: Buffer): string {
  const start = body.subarray(0, previewSizeInBytes)
  const more = body.length > start.length ? '…' : ''
  try {
    // As a stream, so that a character may be cut at the end.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(start, { stream: more !== '' })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they would upset the line.
    return text.replace(/[\u0000-\u001f\u007f-\u009f\s]+/g, ' ').trim() + more
  } catch {
    const bytes = body
      .subarray(0, 24)
      .toString('hex')
      .replace(/..(?!$)/g, '$& ')
    return body.length > 24 ? `${bytes} …` : bytes
  }
}
