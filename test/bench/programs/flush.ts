import { type DistantHub, startDistantHub } from '../support/hub.js'
import { atMost, officialColumn, type Row, runBenchmark, sluiceColumn, waitingPlot } from '../support/report.js'
import { byScale, currentScale } from '../support/scale.js'
import { interleave, summarize } from '../support/statistics.js'
import { numbered, open, type Way } from '../support/ways.js'

const roundTripInMs = byScale({ full: 100, quick: 100, tiny: 10 })

interface Case {
  readonly what: string
  readonly sluice: Omit<Way, 'name'>
  readonly official?: Omit<Way, 'name'>
  readonly repetitions: number
}

const often = byScale({ full: 9, quick: 5, tiny: 1 })
const seldom = byScale({ full: 3, quick: 1, tiny: 1 })
const waitingLonger = { maxWaitTimeInMs: 5000 }

const cases: readonly Case[] = [
  {
    what: 'buffered client, `maxWaitTimeInMs` 1000 (both clients’ default)',
    sluice: { style: 'buffered' },
    official: { style: 'buffered' },
    repetitions: often,
  },
  {
    what: 'buffered client, `maxWaitTimeInMs` 5000',
    sluice: { style: 'buffered', options: waitingLonger },
    official: { style: 'buffered', options: waitingLonger },
    repetitions: seldom,
  },
  { what: 'invocation', sluice: { style: 'invocation' }, repetitions: often },
]

async function measureCase(hub: DistantHub, { what, sluice, official, repetitions }: Case): Promise<Row> {
  const ways: Way[] = [{ name: 'sluice', ...sluice }]
  if (official) ways.push({ name: 'official', ...official })
  const took = new Map<Way, number[]>(ways.map((way) => [way, []]))
  const producers = new Map(await Promise.all(ways.map(async (way) => [way, await open(way, hub)] as const)))
  const run = (way: Way) => async () => {
    const producer = producers.get(way)
    const target = { partitionId: '0' }
    const [warm, event] = numbered([target, target])
    if (producer === undefined || warm === undefined || event === undefined) return
    await producer.call('send', { events: [warm] })
    const { returnedInMs } = await producer.call('send', { events: [event] })
    took.get(way)?.push(returnedInMs)
    await hub.hub.assertStoredOnceInOrder(way.name, warm.id, 2)
  }
  try {
    await interleave(repetitions, ways.map(run))
  } finally {
    await Promise.all([...producers.values()].map((producer) => producer.kill()))
  }
  const [ours = [], theirs] = [...took.values()]
  const figures = { sluice: summarize(ours), ...(theirs ? { official: summarize(theirs) } : {}) }
  const bar = atMost('one round trip + 20 ms', figures.sluice.median, roundTripInMs + 20)
  const plot = theirs && repetitions === often ? waitingPlot('flush() of one event, warm', figures, bar) : undefined
  return { what, unit: 'ms', figures, bars: [bar], plot }
}

void runBenchmark(
  {
    name: 'flush',
    title: `flush() of one buffered event, warm link, ${roundTripInMs} ms round trip`,
    method: [
      'From the call that hands one event over to the return of `flush()` (`end()` of an invocation), right after another event went the same way.',
      `Median of ${often} runs, in turn${currentScale() === 'full' ? `; of ${seldom} where the official client waits for 5 s` : ''}.`,
    ],
    columns: [sluiceColumn, officialColumn],
  },
  async (add) => {
    const hub = await startDistantHub(roundTripInMs, { partitionCount: 4, maxEventsPerPartition: 1000 })
    try {
      for (const each of byScale({
        full: cases,
        quick: cases.filter((each) => each.repetitions === often),
        tiny: cases.slice(2),
      }))
        add(await measureCase(hub, each))
    } finally {
      await hub.stop()
    }
  },
)
