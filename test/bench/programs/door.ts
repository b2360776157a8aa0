import type { DoorLoadCommands } from '../processes/door-load.js'
import type { DoorServerCommands, Format } from '../processes/door-server.js'
import { Child } from '../support/child.js'
import { BenchHub } from '../support/hub.js'
import { atLeast, type Row, runBenchmark } from '../support/report.js'
import { byScale } from '../support/scale.js'
import { interleave, ratios, summarize } from '../support/statistics.js'

const durationInMs = byScale({ full: 3_000, quick: 1_500, tiny: 100 })
const repetitions = byScale({ full: 7, quick: 3, tiny: 1 })
/** The front door is slow until its code is compiled, and there is much of it. */
const warmUps = byScale({ full: 4, quick: 3, tiny: 1 })
const connectionCount = 32
const partitionCount = 4
const key = 'front-door-key-of-a-benchmark'

/** About 200 bytes, as a device might say. */
const event = (n: number) =>
  JSON.stringify({
    device: `device-${n % 17}`,
    sequence: n,
    time: '2026-01-01T00:00:00.000Z',
    reading: { temperature: 21.5 + n / 10, humidity: 40, pressure: 1013.25, battery: 0.87 },
    location: { latitude: 52.52, longitude: 13.405 },
  })
const events = (count: number) => Array.from({ length: count }, (_, n) => event(n))

interface Case {
  readonly what: string
  readonly format: Format
  readonly contentType: string
  readonly eventCount: number
  readonly body: string
}

const cases: readonly Case[] = [
  {
    what: 'JSON, one event per request',
    format: 'json',
    contentType: 'application/json',
    eventCount: 1,
    body: event(0),
  },
  {
    what: 'JSON, an array of 100 events per request',
    format: 'json',
    contentType: 'application/json',
    eventCount: 100,
    body: `[${events(100).join(',')}]`,
  },
  {
    what: 'NDJSON, 100 events per request',
    format: 'ndjson',
    contentType: 'application/x-ndjson',
    eventCount: 100,
    body: events(100).join('\n'),
  },
]

/** A server under load, and what was measured of it. */
interface Contestant {
  readonly server: Child<DoorServerCommands>
  readonly url: string
  readonly perSecond: number[]
  readonly cpuPerRequestInUs: number[]
}

async function measureCase({ what, format, contentType, eventCount, body }: Case): Promise<Row> {
  const hub = await BenchHub.start({ partitionCount, maxEventsPerPartition: 1_000 })
  const load = new Child<DoorLoadCommands>('door-load')
  const [door, bare] = [new Child<DoorServerCommands>('door-server'), new Child<DoorServerCommands>('door-server')]
  try {
    const { connectionString } = hub.address
    const contestant = (server: Child<DoorServerCommands>, url: string): Contestant => ({
      server,
      url,
      perSecond: [],
      cpuPerRequestInUs: [],
    })
    const ours = contestant(door, `${(await door.call('startDoor', { connectionString, key })).url}/events`)
    const theirs = contestant(bare, (await bare.call('startBare', { format })).url)
    const headers = { 'content-type': contentType, authorization: `Bearer ${key}` }
    let requestsOfDoor = 0
    const run = async (one: Contestant, isCounted: boolean) => {
      const cpuBefore = await one.server.call('cpuInMs', undefined)
      const { requests, elapsedInMs } = await load.call('post', {
        url: one.url,
        headers,
        body,
        connectionCount,
        durationInMs,
      })
      const cpuInMs = (await one.server.call('cpuInMs', undefined)) - cpuBefore
      if (one === ours) requestsOfDoor += requests
      if (!isCounted) return
      one.perSecond.push((requests * 1000) / elapsedInMs)
      one.cpuPerRequestInUs.push((cpuInMs * 1000) / requests)
    }
    const both = (isCounted: boolean) => [() => run(ours, isCounted), () => run(theirs, isCounted)]
    await interleave(warmUps, both(false))
    await interleave(repetitions, both(true))
    const stored = await hub.child.call('storedInAll', undefined)
    if (stored !== requestsOfDoor * eventCount) {
      throw new Error(`${requestsOfDoor} requests of ${eventCount} were answered 200; the hub has ${stored} events.`)
    }
    return rowOf(what, ours, theirs)
  } finally {
    await Promise.all([load.kill(), door.kill(), bare.kill(), hub.stop()])
  }
}

function rowOf(what: string, ours: Contestant, theirs: Contestant): Row {
  const ratio = ratios(ours.perSecond, theirs.perSecond)
  const cpu = [ours, theirs].map((one) => summarize(one.cpuPerRequestInUs).median.toFixed(0))
  return {
    what,
    unit: 'requests per second',
    figures: {
      sluice: summarize(ours.perSecond),
      bare: summarize(theirs.perSecond),
      ratio: `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)})`,
      cpu: `${cpu[0]} / ${cpu[1]}`,
    },
    bars: [atLeast('front door / bare handler', ratio.median, 0.7, 'times')],
  }
}

void runBenchmark(
  {
    name: 'door',
    title: 'Throughput of the HTTP front door on Node',
    method: [
      'The front door as `infra/entrypoints/http-node.ts` serves it (a bearer key, AMQP), beside a handler of `srvx` that parses the same body and does nothing with it. Server, hub and load are processes of their own.',
      `${connectionCount} connections, each with one request at a time, for ${durationInMs / 1000} s per run; median of ${repetitions} runs after ${warmUps} to warm up, taken in turn. The ratio is that of runs side by side.`,
      'The front door answers once the hub has stored the events, and the hub’s count is held against its answers. Hub and load share the machine’s cores with it; beside the bare handler there is no hub.',
      'CPU: user and system time of the server’s process.',
    ],
    columns: [
      { key: 'sluice', title: 'front door' },
      { key: 'bare', title: 'bare handler' },
      { key: 'ratio', title: 'front door / bare' },
      { key: 'cpu', title: 'CPU per request, front door / bare, µs' },
    ],
  },
  async (add) => {
    for (const each of byScale({ full: cases, quick: cases, tiny: cases.slice(0, 1) })) add(await measureCase(each))
  },
)
