import { BenchHub, newIds } from '../support/hub.js'
import { type OpenArguments, type ProducerName, type StreamArguments, startProducer } from '../support/producer.js'
import { atMost, type Row, runBenchmark } from '../support/report.js'
import { byScale, currentScale } from '../support/scale.js'
import { ratios, summarize } from '../support/statistics.js'

const { early, middle, late } = byScale({
  full: { early: 100_000, middle: 500_000, late: 1_000_000 },
  quick: { early: 100_000, middle: 500_000, late: 1_000_000 },
  tiny: { early: 1000, middle: 2000, late: 4000 },
})
const runLength = early
const processCount = byScale({ full: 3, quick: 1, tiny: 1 })
const partitionCount = 4
const sizeInBytes = 100

interface Plan {
  readonly what: string
  readonly name: ProducerName
  readonly style: OpenArguments['style']
  readonly calls: StreamArguments['calls']
  /** For Node. */
  readonly flags?: readonly string[]
  /** Without one, the row is there to be seen. */
  readonly hasBar?: boolean
}

interface Sizes {
  readonly rssInMb: number
  readonly heapInMb: number
}

/** One process, from its first event to its last. */
async function grow({ name, style, calls, flags = [] }: Plan): Promise<Sizes[]> {
  // The hub counts what it no longer keeps.
  const hub = await BenchHub.start({ partitionCount, maxEventsPerPartition: 200 })
  const producer = startProducer(name, ['--no-warnings', ...flags])
  const { connectionString, partitionIds } = hub.address
  let sent = 0
  const sendUpTo = async (total: number): Promise<Sizes> => {
    for (; sent < total; sent += runLength) {
      const settings = { count: runLength, sizeInBytes, partitionIds, spread: 'id', calls, bodies: 'as-sent' } as const
      await producer.call('stream', { firstId: newIds(runLength), ...settings })
    }
    const stored = await hub.child.call('storedInAll', undefined)
    if (stored !== total) throw new Error(`${name}: of ${total} events the hub has stored ${stored}.`)
    const { rssInBytes, heapInBytes } = await producer.call('memory', undefined)
    return { rssInMb: rssInBytes / 1e6, heapInMb: heapInBytes / 1e6 }
  }
  try {
    await producer.call('open', { connectionString, style })
    return [await sendUpTo(early), await sendUpTo(middle), await sendUpTo(late)]
  } finally {
    await Promise.all([producer.kill(), hub.stop()])
  }
}

async function measure(plan: Plan): Promise<Row> {
  const processes: Sizes[][] = []
  // The official client takes its time, and is there for scale.
  const count = plan.name === 'official' ? 1 : processCount
  for (let i = 0; i < count; i++) processes.push(await grow(plan))
  const rssAt = (point: number) => processes.map((sizes) => sizes[point]?.rssInMb ?? Number.NaN)
  const heaps = processes.map((sizes) => sizes.map(({ heapInMb }) => heapInMb.toFixed(0)).join(', '))
  const growth = ratios(rssAt(2), rssAt(0)).median
  return {
    what: plan.what,
    unit: 'MB',
    figures: { early: summarize(rssAt(0)), middle: summarize(rssAt(1)), late: summarize(rssAt(2)) },
    bars: plan.hasBar ? [atMost('RSS, the last to the first', growth, 1.2, 'times')] : [],
    note: `heap in use, garbage included, MB: ${heaps.join('; ')}`,
  }
}

const afterEvents = (key: string, count: number) => ({ key, title: `RSS after ${count.toLocaleString('en')} events` })

void runBenchmark(
  {
    name: 'memory',
    title: 'Memory over a long life',
    method: [
      `Resident set of the producer’s process, through one client, ${sizeInBytes} B events to ${partitionCount} partitions, bodies made as they are sent; garbage is collected when Node likes.`,
      `That the hub has stored every event is checked by its sequence numbers. Median of ${processCount} processes.`,
    ],
    columns: [afterEvents('early', early), afterEvents('middle', middle), afterEvents('late', late)],
  },
  async (add) => {
    const buffered = { name: 'sluice', style: 'buffered', calls: 'one' } as const
    add(await measure({ what: 'eventhub-sluice, buffered', ...buffered, hasBar: true }))
    const invocations = { name: 'sluice', style: 'invocation', calls: 'invocations' } as const
    add(await measure({ what: 'eventhub-sluice, an invocation per 100 events', ...invocations, hasBar: true }))
    if (currentScale() !== 'full') return
    // What V8 sets aside for new objects grows with what it sees survive, and is most of the difference.
    const what = 'the same, with V8’s young generation kept small (`--max-semi-space-size=1`)'
    add(await measure({ what, ...invocations, flags: ['--max-semi-space-size=1'] }))
    add(await measure({ what: '@azure/event-hubs, buffered', name: 'official', style: 'buffered', calls: 'one' }))
  },
)
