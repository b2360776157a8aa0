import { partitionIndexForKey } from '../../../core/routing/partition-key-hash.js'
import { newIds, startDistantHub } from '../support/hub.js'
import type { Style, Target } from '../support/producer.js'
import {
  atMost,
  type Bar,
  officialColumn,
  type Row,
  runBenchmark,
  sluiceColumn,
  waitingPlot,
} from '../support/report.js'
import { byScale, currentScale } from '../support/scale.js'
import { interleave, summarize } from '../support/statistics.js'
import { allPartitionIds, numbered, open, sendCold, type Way } from '../support/ways.js'

const roundTripInMs = byScale({ full: 100, quick: 100, tiny: 10 })
const repetitions = byScale({ full: 5, quick: 2, tiny: 1 })
/** Long enough for whatever goes on behind the first send to end. */
const restInMs = byScale({ full: 1000, quick: 1000, tiny: 50 })
const manyPartitions = 32

type Took = Record<'sluice' | 'official', number[]>

/** A first event to partition 0; then one to each of three others, by a connection that is open. */
async function measureFurther(style: Style, by: 'id' | 'key'): Promise<Row> {
  const hub = await startDistantHub(roundTripInMs, { partitionCount: 4, maxEventsPerPartition: 1000 })
  const targets = by === 'id' ? allPartitionIds(4).map((partitionId) => ({ partitionId })) : keyPerPartition(4)
  const took: Took = { sluice: [], official: [] }
  const run = (way: Way) => async () => {
    const producer = await open(way, hub)
    try {
      const [first, ...others] = numbered(targets)
      if (first === undefined) return
      await producer.call('send', { events: [first] })
      await new Promise((resolve) => setTimeout(resolve, restInMs))
      for (const event of others) {
        took[way.name].push((await producer.call('send', { events: [event] })).acknowledgedInMs)
      }
      const tally = await hub.hub.assertStoredOnceInOrder(way.name, first.id, targets.length)
      if (tally.partitionsUsed !== 4) throw new Error(`${way.name} used ${tally.partitionsUsed} partitions of 4.`)
    } finally {
      await producer.kill()
    }
  }
  try {
    await interleave(repetitions, [
      run({ name: 'sluice', style }),
      // Its buffered client waits for a second before it sends; the direct one is the quicker of the two.
      ...(style === 'direct' ? [run({ name: 'official', style })] : []),
    ])
  } finally {
    await hub.stop()
  }
  const limit = 2 * roundTripInMs + 20
  const what = `first event to a further partition, warm; ${style}, by ${by === 'id' ? 'partition id' : 'key'}`
  const label = style === 'direct' ? 'first event to a further partition, warm' : undefined
  return rowOf(what, took, (median) => atMost('2 round trips + 20 ms', median, limit), label)
}

async function measureMany(
  style: 'invocation' | 'buffered',
  partitionIds: readonly string[] | undefined,
  hasOfficial: boolean,
): Promise<Row> {
  const hub = await startDistantHub(roundTripInMs, { partitionCount: manyPartitions, maxEventsPerPartition: 1000 })
  const targets = keyPerPartition(manyPartitions)
  const took: Took = { sluice: [], official: [] }
  const run = (way: Way) => async () => {
    took[way.name].push((await sendCold(way, hub, targets)).acknowledgedInMs)
    // Each partition has one from every run so far.
    const tally = await hub.hub.tally(newIds(0) - targets.length, targets.length)
    if (tally.partitionsUsed !== manyPartitions) throw new Error(`${tally.partitionsUsed} partitions were used.`)
  }
  const options = partitionIds === undefined ? {} : { partitionIds }
  try {
    await interleave(repetitions, [
      run({ name: 'sluice', style, options }),
      ...(hasOfficial ? [run({ name: 'official', style: 'buffered' })] : []),
    ])
  } finally {
    await hub.stop()
  }
  const roundTrips = partitionIds === undefined ? 10 : 7
  const what = `one event to each of 32 partitions by key, cold; ${style}${partitionIds ? ', `partitionIds` given' : ''}`
  const limit = roundTrips * roundTripInMs + 90
  const label = hasOfficial ? 'one event to each of 32 partitions, cold' : undefined
  return rowOf(what, took, (median) => atMost(`${roundTrips} round trips + 90 ms`, median, limit), label)
}

function rowOf(what: string, took: Took, barOf: (median: number) => Bar, label: string | undefined): Row {
  const sluice = summarize(took.sluice)
  const official = took.official.length > 0 ? summarize(took.official) : undefined
  const bar = barOf(sluice.median)
  const inRoundTrips = (values: readonly number[]) => summarize(values.map((value) => value / roundTripInMs))
  return {
    what,
    unit: 'round trips',
    figures: {
      sluice: inRoundTrips(took.sluice),
      ...(official ? { official: inRoundTrips(official.values) } : {}),
      time: `${Math.round(sluice.median)} ms`,
    },
    bars: [bar],
    plot: label === undefined ? undefined : waitingPlot(label, { sluice, official }, bar),
  }
}

/** One key for each partition, in order. */
function keyPerPartition(count: number): Target[] {
  const keys = new Map<number, string>()
  for (let i = 0; keys.size < count; i++) {
    const key = `key-${i}`
    const index = partitionIndexForKey(key, count)
    if (!keys.has(index)) keys.set(index, key)
  }
  return Array.from({ length: count }, (_, i) => ({ partitionKey: keys.get(i) ?? '' }))
}

void runBenchmark(
  {
    name: 'partitions',
    title: `Further partitions, ${roundTripInMs} ms round trip`,
    method: [
      `As for the cold start. Warm: ${restInMs} ms after the first event, to partition 0, was acknowledged; three further partitions per process, one after the other.`,
      `32 partitions: all events are handed over at once, then flushed; the time is that of the last acknowledgement. The official client is its buffered one, whose ` +
        '`flush()` waits for its `maxWaitTimeInMs` of 1000.',
      `Median of ${repetitions} processes, in turn.`,
    ],
    columns: [sluiceColumn, officialColumn, { key: 'time', title: 'eventhub-sluice, time' }],
  },
  async (add) => {
    add(await measureFurther('direct', 'id'))
    if (currentScale() === 'tiny') return
    if (currentScale() === 'full') add(await measureFurther('invocation', 'id'))
    add(await measureFurther('invocation', 'key'))
    if (currentScale() === 'full') add(await measureFurther('buffered', 'key'))
    add(await measureMany('invocation', undefined, false))
    add(await measureMany('invocation', allPartitionIds(manyPartitions), false))
    add(await measureMany('buffered', undefined, true))
    add(await measureMany('buffered', allPartitionIds(manyPartitions), false))
  },
)
