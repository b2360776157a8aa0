import type { FetchCommands } from '../processes/bare-fetch.js'
import { Child, type Commands } from '../support/child.js'
import { startDistantHub } from '../support/hub.js'
import { atMost, officialColumn, type Row, runBenchmark, sluiceColumn } from '../support/report.js'
import { byScale, currentScale } from '../support/scale.js'
import { summarize } from '../support/statistics.js'
import { numbered, open, type Way } from '../support/ways.js'

const repetitions = byScale({ full: 7, quick: 3, tiny: 1 })
const officialRepetitions = byScale({ full: 3, quick: 1, tiny: 0 })

/** Sends an event, closes after a rest, and lets the process end by itself. */
async function timeOfExit(way: Way, restInMs: number): Promise<number> {
  const hub = await startDistantHub(0, { partitionCount: 4, maxEventsPerPartition: 100 })
  try {
    const producer = await open(way, hub)
    const [event] = numbered([way.isHttp ? {} : { partitionId: '0' }])
    if (event === undefined) throw new Error('There is no event.')
    await producer.call('send', { events: [event] })
    await hub.hub.assertStoredOnceInOrder(way.name, event.id, 1)
    await new Promise((resolve) => setTimeout(resolve, restInMs))
    // Never answered: the process lets go of its driver.
    producer.call('leave', undefined).catch(() => {})
    return await exitTimeOf(way.name, producer)
  } finally {
    await hub.stop()
  }
}

async function exitTimeOf(name: string, child: Pick<Child<Commands>, 'exited' | 'output'>): Promise<number> {
  const code = await child.exited
  if (code !== 0) throw new Error(`${name} ended with ${code}.`)
  const took = Number.parseFloat(child.output)
  if (!Number.isFinite(took)) throw new Error(`${name} did not say when it closed.`)
  return took
}

/** What Node itself takes to end after its own `fetch`, by which HTTP requests go out. */
async function timeOfFetchExit(): Promise<number> {
  const hub = await startDistantHub(0, { partitionCount: 4, maxEventsPerPartition: 100 })
  try {
    const child = new Child<FetchCommands>('bare-fetch')
    child.call('fetchAndLeave', { url: `http://127.0.0.1:${hub.http.port}/bench/messages` }).catch(() => {})
    return await exitTimeOf('fetch', child)
  } finally {
    await hub.stop()
  }
}

async function repeat(times: number, measureOnce: () => Promise<number>): Promise<number[]> {
  const took = []
  for (let i = 0; i < times; i++) took.push(await measureOnce())
  return took
}

interface Plan {
  readonly what: string
  readonly sluice: Omit<Way, 'name'>
  readonly official?: Omit<Way, 'name'>
  /** Between the send and `close()`. */
  readonly restInMs?: number
}

async function measure({ what, sluice, official, restInMs = 500 }: Plan): Promise<Row> {
  const ours = summarize(await repeat(repetitions, () => timeOfExit({ name: 'sluice', ...sluice }, restInMs)))
  // Ten seconds of waiting each: side by side.
  const theirs = official
    ? await Promise.all(
        Array.from({ length: officialRepetitions }, () => timeOfExit({ name: 'official', ...official }, restInMs)),
      )
    : []
  return {
    what,
    unit: 'ms',
    figures: { sluice: ours, ...(theirs.length > 0 ? { official: summarize(theirs) } : {}) },
    bars: [atMost('slowest run', ours.max, 50)],
  }
}

void runBenchmark(
  {
    name: 'exit',
    title: 'Exit after close()',
    method: [
      'From the resolution of `close()` to the end of the process, which nobody asks to end; one event was sent half a second before, or right before where a row says so.',
      'Bare fetch: the same for a process that does one request by Node’s own `fetch`, and nothing else.',
      `${repetitions} processes; the official client: ${officialRepetitions}.`,
    ],
    columns: [sluiceColumn, officialColumn, { key: 'fetch', title: 'bare fetch' }],
  },
  async (add) => {
    add(await measure({ what: 'direct', sluice: { style: 'direct' }, official: { style: 'direct' } }))
    if (currentScale() === 'tiny') return
    add(await measure({ what: 'buffered', sluice: { style: 'buffered' }, official: { style: 'buffered' } }))
    add(await measure({ what: 'plain HTTP', sluice: { style: 'direct', isHttp: true } }))
    const atOnce = await measure({
      what: 'plain HTTP, closed right after the send',
      sluice: { style: 'direct', isHttp: true },
      restInMs: 0,
    })
    const bare = summarize(await repeat(repetitions, timeOfFetchExit))
    add({ ...atOnce, figures: { ...atOnce.figures, fetch: bare } })
  },
)
