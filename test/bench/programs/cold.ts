import { type DistantHub, startDistantHub } from '../support/hub.js'
import type { ProducerName, Target } from '../support/producer.js'
import {
  atMost,
  type Bar,
  officialColumn,
  type Row,
  runBenchmark,
  sluiceColumn,
  waitingPlot,
} from '../support/report.js'
import { byScale } from '../support/scale.js'
import { interleave, type Summary, summarize } from '../support/statistics.js'
import { allPartitionIds, sendCold, type Way } from '../support/ways.js'

const roundTripInMs = byScale({ full: 100, quick: 100, tiny: 10 })
const repetitions = byScale({ full: 5, quick: 2, tiny: 1 })
const partitionCount = 4
const partitionIds = allPartitionIds(partitionCount)
const unkeyed: readonly Target[] = [{}]
const keyed: readonly Target[] = [{ partitionKey: 'device-42' }]
const toPartition: readonly Target[] = [{ partitionId: '1' }]

interface Case {
  readonly what: string
  readonly targets: readonly Target[]
  readonly sluice: Omit<Way, 'name'>
  /** The official client's way to do the same. */
  readonly official?: 'direct' | 'buffered'
  /** The most that it may take: round trips, and milliseconds for the work between them. */
  readonly bar?: { readonly roundTrips: number; readonly slackInMs: number }
  /** Its name in the chart. */
  readonly label?: string
}

const upTo = (roundTrips: number, slackInMs: number) => ({ roundTrips, slackInMs })
const plain = { sasl: 'plain' }

const cases: readonly Case[] = [
  {
    what: 'direct',
    targets: unkeyed,
    sluice: { style: 'direct' },
    official: 'direct',
    bar: upTo(7, 90),
    label: 'first event, cold, direct',
  },
  { what: 'invocation', targets: unkeyed, sluice: { style: 'invocation' }, bar: upTo(7, 90) },
  {
    what: 'direct, `sasl: plain`',
    targets: unkeyed,
    sluice: { style: 'direct', options: plain },
    bar: upTo(5, 90),
  },
  {
    what: 'invocation, `sasl: plain`',
    targets: unkeyed,
    sluice: { style: 'invocation', options: plain },
    bar: upTo(5, 90),
  },
  { what: 'direct, plain HTTP', targets: unkeyed, sluice: { style: 'direct', isHttp: true }, bar: upTo(2, 50) },
  { what: 'invocation, plain HTTP', targets: unkeyed, sluice: { style: 'invocation', isHttp: true }, bar: upTo(2, 50) },
  {
    what: 'buffered, neither id nor key',
    targets: unkeyed,
    sluice: { style: 'buffered' },
    official: 'buffered',
    bar: upTo(10, 90),
  },
  {
    what: 'buffered, by key',
    targets: keyed,
    sluice: { style: 'buffered' },
    official: 'buffered',
    bar: upTo(10, 90),
    label: 'first event, cold, buffered',
  },
  {
    what: 'buffered, by key, `partitionIds` given',
    targets: keyed,
    sluice: { style: 'buffered', options: { partitionIds } },
    bar: upTo(7, 90),
  },
  {
    what: 'buffered, by partition id',
    targets: toPartition,
    sluice: { style: 'buffered' },
    official: 'buffered',
    bar: upTo(7, 90),
  },
  { what: 'buffered, by key, `sasl: plain`', targets: keyed, sluice: { style: 'buffered', options: plain } },
  { what: 'invocation, by key', targets: keyed, sluice: { style: 'invocation' }, bar: upTo(10, 90) },
  {
    what: 'invocation, by key, `partitionIds` and `sasl: plain`',
    targets: keyed,
    sluice: { style: 'invocation', options: { partitionIds, ...plain } },
  },
]

async function measureCase(hub: DistantHub, each: Case): Promise<Row> {
  const took: Record<ProducerName, number[]> = { sluice: [], official: [] }
  const carried: Record<ProducerName, number> = { sluice: 0, official: 0 }
  const run = (way: Way) => async () => {
    const proxy = way.isHttp ? hub.http : hub.amqp
    const bytesBefore = proxy.bytesUp + proxy.bytesDown
    const { acknowledgedInMs } = await sendCold(way, hub, each.targets)
    took[way.name].push(acknowledgedInMs)
    carried[way.name] = (proxy.bytesUp + proxy.bytesDown - bytesBefore) / 1000
  }
  const { official } = each
  await interleave(repetitions, [
    run({ name: 'sluice', ...each.sluice }),
    ...(official ? [run({ name: 'official', style: official })] : []),
  ])
  const sluice = summarize(took.sluice)
  const theirs = official && summarize(took.official)
  const bar = each.bar && barOf(sluice, each.bar)
  return {
    what: each.what,
    unit: 'round trips',
    figures: {
      sluice: inRoundTrips(sluice),
      ...(theirs ? { official: inRoundTrips(theirs) } : {}),
      time: `${Math.round(sluice.median)} ms`,
      bytes: `${carried.sluice.toFixed(1)}${theirs ? ` (official ${carried.official.toFixed(1)})` : ''} KB`,
    },
    bars: bar ? [bar] : [],
    plot: each.label && bar ? waitingPlot(each.label, { sluice, official: theirs }, bar) : undefined,
  }
}

function inRoundTrips({ values }: Summary): Summary {
  return summarize(values.map((value) => value / roundTripInMs))
}

function barOf(sluice: Summary, { roundTrips, slackInMs }: NonNullable<Case['bar']>): Bar {
  const limit = roundTrips * roundTripInMs + slackInMs
  return atMost(`${roundTrips} round trips + ${slackInMs} ms`, sluice.median, limit)
}

void runBenchmark(
  {
    name: 'cold',
    title: `First event acknowledged, from cold, ${roundTripInMs} ms round trip`,
    method: [
      'From before the client is constructed to the acknowledgement, in a process of its own that has loaded the library and sent nothing yet.',
      `Plain TCP through a proxy that adds ${roundTripInMs / 2} ms each way and a round trip for the connection itself; the hub asks for SASL and for a claim on each link’s own address.`,
      'Buffered: the event is handed over, then `flush()` is called; the time is that of the success callback.',
      `Median of ${repetitions} processes, in turn.`,
    ],
    columns: [
      sluiceColumn,
      officialColumn,
      { key: 'time', title: 'eventhub-sluice, time' },
      { key: 'bytes', title: 'bytes on the wire' },
    ],
  },
  async (add) => {
    const hub = await startDistantHub(roundTripInMs, { partitionCount, maxEventsPerPartition: 10_000 })
    try {
      // Whatever the machine loads once, it has loaded.
      await sendCold({ name: 'sluice', style: 'direct' }, hub, unkeyed)
      for (const each of byScale({ full: cases, quick: cases, tiny: cases.slice(0, 1) })) {
        add(await measureCase(hub, each))
      }
    } finally {
      await hub.stop()
    }
  },
)
