import { newIds, startDistantHub } from '../support/hub.js'
import type { BatchesArguments } from '../support/producer.js'
import { atMost, officialColumn, type Row, runBenchmark, sluiceColumn, waitingPlot } from '../support/report.js'
import { byScale } from '../support/scale.js'
import { interleave, summarize } from '../support/statistics.js'
import { numbered, open, type Way } from '../support/ways.js'

const roundTripInMs = byScale({ full: 100, quick: 100, tiny: 10 })
const repetitions = byScale({ full: 5, quick: 3, tiny: 1 })
const batchCount = 10
const sizeInBytes = 1024
const inFlight = { maxConcurrentSendsPerPartition: 10, maxBufferLength: 20_000 }

interface Case {
  readonly what: string
  readonly eventsPerBatch: number
  readonly sluice: Omit<Way, 'name'> & Pick<BatchesArguments, 'sends'>
  readonly official: Pick<BatchesArguments, 'sends'>
  readonly hasBar: boolean
  /** Its name in the chart. */
  readonly label?: string
}

const atOnce = { sends: 'at-once' } as const
const oneByOne = { sends: 'one-by-one' } as const

const cases: readonly Case[] = [
  {
    what: 'batches of 10 KiB, an invocation with 10 in flight; official: each awaited',
    eventsPerBatch: 10,
    sluice: { style: 'invocation', options: inFlight, ...atOnce },
    official: oneByOne,
    hasBar: true,
    label: '10 batches (official: each awaited)',
  },
  {
    what: 'batches of 10 KiB, ten `sendBatch` at once; official: the same',
    eventsPerBatch: 10,
    sluice: { style: 'direct', options: inFlight, ...atOnce },
    official: atOnce,
    hasBar: true,
  },
  {
    what: 'batches of 900 KB, an invocation with 10 in flight; official: ten `sendBatch` at once',
    eventsPerBatch: 865,
    sluice: { style: 'invocation', options: inFlight, ...atOnce },
    official: atOnce,
    hasBar: true,
  },
  {
    what: 'batches of 10 KiB, one in flight (the default), each awaited; official: the same',
    eventsPerBatch: 10,
    sluice: { style: 'direct', ...oneByOne },
    official: oneByOne,
    hasBar: false,
  },
]

async function measureCase({ what, eventsPerBatch, sluice, official, hasBar, label }: Case): Promise<Row> {
  const eventCount = batchCount * eventsPerBatch
  const hub = await startDistantHub(roundTripInMs, { partitionCount: 1, maxEventsPerPartition: 2 * eventCount + 100 })
  const ways = [
    { way: { name: 'sluice', ...sluice } as Way, sends: sluice.sends },
    { way: { name: 'official', style: 'direct' } as Way, sends: official.sends },
  ]
  const took: Record<'sluice' | 'official', number[]> = { sluice: [], official: [] }
  const producers = await Promise.all(ways.map(({ way }) => open(way, hub)))
  const run = (isCounted: boolean) =>
    ways.map(({ way, sends }, i) => async () => {
      const producer = producers[i]
      if (producer === undefined) return
      await producer.call('send', { events: numbered([{ partitionId: '0' }]) })
      const firstId = newIds(eventCount)
      const settings = { firstId, batchCount, eventsPerBatch, sizeInBytes, partitionId: '0', sends }
      const { acknowledgedInMs } = await producer.call('batches', settings)
      // Order is promised while nothing fails: it is checked for both.
      await hub.hub.assertStoredOnceInOrder(way.name, firstId, eventCount)
      if (isCounted) took[way.name].push(acknowledgedInMs)
    })
  try {
    await interleave(1, run(false))
    await interleave(repetitions, run(true))
  } finally {
    await Promise.all([...producers.map((producer) => producer.kill()), hub.stop()])
  }
  const figures = { sluice: summarize(took.sluice), official: summarize(took.official) }
  const bar = atMost('all acknowledged', figures.sluice.median, 300)
  const plot = label === undefined ? undefined : waitingPlot(label, figures, bar)
  return { what, unit: 'ms', figures, bars: hasBar ? [bar] : [], plot }
}

void runBenchmark(
  {
    name: 'pipeline',
    title: `10 batches to one partition, ${roundTripInMs} ms round trip`,
    method: [
      'From the first `sendBatch` to the last acknowledgement, on a warm link; batches are made beforehand. That all arrived once and in order is checked at the hub.',
      `Median of ${repetitions} runs, in turn, after one to warm up.`,
    ],
    columns: [sluiceColumn, officialColumn],
  },
  async (add) => {
    for (const each of byScale({ full: cases, quick: cases, tiny: cases.slice(0, 1) })) add(await measureCase(each))
  },
)
