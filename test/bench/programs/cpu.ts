import type { RheaCommands } from '../processes/producer-rhea.js'
import { Child } from '../support/child.js'
import { BenchHub, newIds } from '../support/hub.js'
import { type StreamArguments, type StreamTiming, startProducer } from '../support/producer.js'
import { atLeast, atMost, officialColumn, type Plot, type Row, runBenchmark, sluiceColumn } from '../support/report.js'
import { byScale } from '../support/scale.js'
import { interleave, ratios, summarize } from '../support/statistics.js'

/** The quicker ones send more, so that what is measured lasts long enough. */
const eventCounts = byScale({
  full: { sluice: 60_000, rhea: 60_000, official: 15_000 },
  quick: { sluice: 40_000, rhea: 40_000, official: 6_000 },
  tiny: { sluice: 600, rhea: 600, official: 300 },
})
const mostEvents = Math.max(...Object.values(eventCounts))
const repetitions = byScale({ full: 5, quick: 3, tiny: 1 })
/** The first runs are dearer, by any client, until its code is compiled. */
const warmUps = byScale({ full: 2, quick: 2, tiny: 1 })
/** Of what is only there to be seen. */
const fewRepetitions = Math.min(3, repetitions)
/** A clean heap before each run; and the official client's warning of many listeners is no news. */
const flags = ['--expose-gc', '--no-warnings']
const rheaBatchSizeInBytes = 900_000

interface Case {
  readonly what: string
  readonly sizeInBytes: number
  readonly partitionCount: number
  readonly spread: StreamArguments['spread']
  readonly calls: StreamArguments['calls']
  /** Whether the bars are meant for it; otherwise it is there to be seen. */
  readonly hasBars: boolean
}

const core: readonly Case[] = [4, 32].flatMap((partitionCount) =>
  [1024, 100].map((sizeInBytes) => ({
    what: `${sizeInBytes === 1024 ? '1 KiB' : '100 B'} events, ${partitionCount} partitions`,
    sizeInBytes,
    partitionCount,
    spread: 'id' as const,
    calls: 'one' as const,
    hasBars: true,
  })),
)
const further: readonly Case[] = [
  { spread: 'key', calls: 'one', what: '1 KiB events, 4 partitions, by partition key' },
  { spread: 'none', calls: 'one', what: '1 KiB events, 4 partitions, neither id nor key' },
  { spread: 'id', calls: 'arrays', what: '1 KiB events, 4 partitions, arrays of 500 per call' },
].map((each) => ({ ...each, sizeInBytes: 1024, partitionCount: 4, hasBars: false }) as Case)

/** Anything that sends a stream of events, warmed up, beside the others. */
interface Contestant {
  readonly key: keyof typeof eventCounts
  readonly cpuPerEventInUs: number[]
  readonly eventsPerSecond: number[]
  stream(firstId: number): Promise<StreamTiming>
  stop(): Promise<void>
}

async function measureCase(each: Case): Promise<Row> {
  const { sizeInBytes, partitionCount, spread, calls, what, hasBars } = each
  // Twice an even share, or all of a run where the shares are uneven.
  const maxEventsPerPartition = spread === 'id' ? Math.ceil((2 * mostEvents) / partitionCount) + 1000 : mostEvents
  const hub = await BenchHub.start({ partitionCount, maxEventsPerPartition })
  const { connectionString, partitionIds } = hub.address
  const contestants: Contestant[] = []
  try {
    for (const name of ['sluice', 'official'] as const) {
      const producer = startProducer(name, flags)
      await producer.call('open', { connectionString, style: 'buffered' })
      const settings = { count: eventCounts[name], sizeInBytes, partitionIds, spread, calls, bodies: 'before' } as const
      const stream = (firstId: number) => producer.call('stream', { firstId, ...settings })
      contestants.push(contestant(name, stream, () => producer.stop()))
    }
    if (sizeInBytes === 1024 && spread === 'id' && calls === 'one') {
      const producer = new Child<RheaCommands>('producer-rhea', flags)
      await producer.call('open', { connectionString, partitionIds })
      const settings = { count: eventCounts.rhea, sizeInBytes, batchSizeInBytes: rheaBatchSizeInBytes }
      const stream = (firstId: number) => producer.call('stream', { firstId, ...settings })
      contestants.push(contestant('rhea', stream, () => producer.stop()))
    }
    const run = (isCounted: boolean) => contestants.map((one) => () => runOnce(hub, one, isCounted))
    await interleave(warmUps, run(false))
    await interleave(hasBars ? repetitions : fewRepetitions, run(true))
  } finally {
    await Promise.all([...contestants.map((one) => one.stop()), hub.stop()])
  }
  return rowOf(what, contestants, hasBars)
}

function contestant(key: Contestant['key'], stream: Contestant['stream'], stop: Contestant['stop']): Contestant {
  return { key, stream, stop, cpuPerEventInUs: [], eventsPerSecond: [] }
}

async function runOnce(hub: BenchHub, one: Contestant, isCounted: boolean): Promise<void> {
  const eventCount = eventCounts[one.key]
  const firstId = newIds(eventCount)
  const { cpuInMs, acknowledgedInMs } = await one.stream(firstId)
  await hub.assertStoredOnceInOrder(one.key, firstId, eventCount)
  if (!isCounted) return
  one.cpuPerEventInUs.push((cpuInMs * 1000) / eventCount)
  one.eventsPerSecond.push((eventCount * 1000) / acknowledgedInMs)
}

function rowOf(what: string, contestants: readonly Contestant[], hasBars: boolean): Row {
  const cpuOf = (key: string) => contestants.find((one) => one.key === key)?.cpuPerEventInUs ?? []
  const sluice = cpuOf('sluice')
  const toOfficial = ratios(cpuOf('official'), sluice)
  const toRhea = cpuOf('rhea').length > 0 ? ratios(sluice, cpuOf('rhea')) : undefined
  const official = summarize(cpuOf('official')).median
  const plot: Plot = {
    chart: 'cpu',
    label: what,
    values: Object.fromEntries(contestants.map((one) => [one.key, summarize(one.cpuPerEventInUs).median])),
    limits: [
      { value: official / 12, label: '1/12' },
      ...(toRhea ? [{ value: 4 * summarize(cpuOf('rhea')).median, label: '4 × rhea' }] : []),
    ],
  }
  const bars = [
    atLeast('official / sluice', toOfficial.median, 12, 'times'),
    ...(toRhea ? [atMost('sluice / raw rhea', toRhea.median, 4, 'times')] : []),
  ]
  const speeds = contestants
    .filter(({ key }) => key !== 'official')
    .map(({ key, eventsPerSecond }) => `${key} ${Math.round(summarize(eventsPerSecond).median / 1000)}`)
  return {
    what,
    unit: 'µs',
    figures: {
      ...Object.fromEntries(contestants.map(({ key, cpuPerEventInUs }) => [key, summarize(cpuPerEventInUs)])),
      ratio: `${toOfficial.median.toFixed(1)} (${toOfficial.min.toFixed(1)} to ${toOfficial.max.toFixed(1)})`,
      speed: speeds.join(', '),
    },
    bars: hasBars ? bars : [],
    plot: hasBars ? plot : undefined,
  }
}

void runBenchmark(
  {
    name: 'cpu',
    title: 'CPU time per buffered event',
    method: [
      'User and system time of the producer’s process (`process.cpuUsage`), from the first call to the end of `flush()`, divided by the number of events.',
      'Both clients in buffered mode with their defaults, `await`ing each `sendEvent` / `enqueueEvent`; events spread evenly by partition id unless a row says otherwise. Bodies are made beforehand.',
      `raw rhea: batches of ${rheaBatchSizeInBytes / 1000} KB that were encoded before the clock started, over SASL PLAIN.`,
      `${Object.entries(eventCounts)
        .map(([name, count]) => `${name} ${count}`)
        .join(
          ', ',
        )} events per run, each from a clean heap, after ${warmUps} runs to warm up; median of ${repetitions} runs (${fewRepetitions} without bars), taken in turn. The ratio is that of runs side by side.`,
      'Events per second until the last acknowledgement, by a hub that shares the machine. The official client’s would be that of its waits, since a run is short.',
    ],
    columns: [
      sluiceColumn,
      officialColumn,
      { key: 'rhea', title: 'raw rhea' },
      { key: 'ratio', title: 'official / sluice' },
      { key: 'speed', title: 'thousand events per second' },
    ],
  },
  async (add) => {
    for (const each of byScale({ full: [...core, ...further], quick: core, tiny: core.slice(0, 1) })) {
      add(await measureCase(each))
    }
  },
)
