import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from '../../bench/support/child.js'
import type { HubCommands } from '../processes/hub.js'
import type { ProducerCommands } from '../processes/producer.js'
import { type FaultProxy, startFaultProxy } from './fault-proxy.js'
import { type FaultKind, type PlannedFault, planFaults } from './faults.js'
import { type Comparison, compareLedgers, type StoredCopy } from './ledger.js'
import { Random } from './random.js'
import type { Scenario } from './scenarios.js'

export interface ScenarioResult {
  readonly scenario: string
  readonly seed: number
  readonly comparison: Comparison
  /** How often each fault was made. */
  readonly faults: Readonly<Record<string, number>>
  readonly tookInMs: number
  readonly peakRssInBytes: number
  /** From close() to the end of the process. */
  readonly exitedInMs: number
  /** What contradicts a promise, in words; none in a good run. */
  readonly problems: readonly string[]
}

const partitionCount = 8
const key = 'a key for loopback'
/** Without any event settled for so long, a scenario hangs. */
const patienceInMs = 60_000
const pollInMs = 10
/** After close() nothing may keep a process alive; this leaves a busy machine time to notice. */
const exitLimitInMs = 10_000
const memoryLimitInBytes = 512 * 1024 * 1024

const pause = (timeInMs: number) => new Promise<void>((resolve) => setTimeout(resolve, timeInMs))

/** Runs one scenario in processes of its own, and compares what both ends have written down. */
export async function runScenario(
  scenario: Scenario,
  { events, faults: faultCount, seed, folder }: { events: number; faults: number; seed: number; folder: string },
): Promise<ScenarioResult> {
  const startedAt = performance.now()
  const random = new Random(seed)
  const plan = planFaults(scenario, events, faultCount, random)
  const bench = await Bench.start(scenario, folder)
  try {
    const { producer } = bench
    const running = producer.call('run', {
      connectionString: bench.connectionString,
      use: scenario.use,
      wire: scenario.wire,
      idempotent: scenario.idempotent,
      events,
      seed: random.integer(0, 2 ** 31),
      ledgerFile: join(folder, 'producer.bin'),
    })
    const problems: string[] = []
    const misfortune = new Misfortune(bench, plan)
    const result = await Promise.race([
      running,
      misfortune.untilStuck(() => producer.call('progress', undefined)).then((problem) => ({ stuck: problem })),
    ])
    misfortune.stop()
    if ('stuck' in result) {
      const diary = await producer.call('diary', undefined)
      throw new Error([`${result.stuck} Faults: ${JSON.stringify(misfortune.counts)}.`, ...diary].join('\n         '))
    }
    await misfortune.ended
    problems.push(...result.problems)
    const closedAt = performance.now()
    // It lets go before it can answer; a close() that fails ends it with another code, and says so.
    producer.call('leave', undefined).catch(() => {})
    const left = await Promise.race([producer.exited, pause(exitLimitInMs).then(() => 'it goes on')])
    const exitedInMs = performance.now() - closedAt
    if (left !== 0) problems.push(`The process did not end by itself after close(): ${left}.`)
    if (result.peakRssInBytes > memoryLimitInBytes) {
      problems.push(`The producer's memory reached ${Math.round(result.peakRssInBytes / 1024 / 1024)} MiB.`)
    }
    const comparison = compareLedgers(readProducerLedger(folder, events), readStored(folder), {
      mayRepeat: !scenario.idempotent,
    })
    problems.push(...comparison.violations)
    const tookInMs = performance.now() - startedAt
    const { peakRssInBytes } = result
    return {
      scenario: scenario.name,
      seed,
      comparison,
      faults: misfortune.counts,
      tookInMs,
      peakRssInBytes,
      exitedInMs,
      problems,
    }
  } finally {
    await bench.stop()
  }
}

/** A hub, a proxy before it, and a producer. */
class Bench {
  readonly producer = new Child<ProducerCommands>('producer')
  readonly connectionString: string
  readonly proxy: FaultProxy
  hub: Child<HubCommands>
  readonly #scenario: Scenario
  readonly #folder: string
  #hubs = 1

  private constructor(scenario: Scenario, folder: string, hub: Child<HubCommands>, proxy: FaultProxy, text: string) {
    this.#scenario = scenario
    this.#folder = folder
    this.hub = hub
    this.proxy = proxy
    this.connectionString = text
  }

  static async start(scenario: Scenario, folder: string): Promise<Bench> {
    const hub = new Child<HubCommands>('hub')
    const address = await hub.call('start', { ledgerFile: ledgerFile(folder, 1), partitionCount, key })
    const proxy = await startFaultProxy(scenario.wire === 'amqp' ? address.amqpPort : address.httpPort)
    const text = address.connectionString.replace(`:${address.amqpPort};`, `:${proxy.port};`)
    return new Bench(scenario, folder, hub, proxy, text)
  }

  /** Another hub, which knows nothing of the one that died, in its place. */
  async replaceHub(afterMs: number): Promise<void> {
    await this.hub.kill()
    await pause(afterMs)
    const hub = new Child<HubCommands>('hub')
    this.#hubs++
    const address = await hub.call('start', { ledgerFile: ledgerFile(this.#folder, this.#hubs), partitionCount, key })
    this.hub = hub
    this.proxy.targetPort = this.#scenario.wire === 'amqp' ? address.amqpPort : address.httpPort
  }

  async stop(): Promise<void> {
    await this.proxy.close()
    await Promise.all([this.producer.kill(), this.hub.kill()])
  }
}

/** Makes the planned faults, each when so many events were accepted after the one before it. */
class Misfortune {
  readonly #bench: Bench
  readonly #plan: readonly PlannedFault[]
  readonly counts: Record<string, number> = {}
  #isOver = false
  ended: Promise<void> = Promise.resolve()

  constructor(bench: Bench, plan: readonly PlannedFault[]) {
    this.#bench = bench
    this.#plan = plan
  }

  stop(): void {
    this.#isOver = true
  }

  /** Resolves with what is wrong when nothing moves any more; otherwise not at all. */
  async untilStuck(progress: () => Promise<{ settled: number; accepted: number }>): Promise<string> {
    let last = 0
    let movedAt = performance.now()
    let next = 0
    let acceptedBefore = 0
    while (!this.#isOver) {
      const { settled, accepted } = await progress()
      if (settled !== last) movedAt = performance.now()
      last = settled
      if (performance.now() - movedAt > patienceInMs)
        return `After ${last} events nothing has settled for ${patienceInMs} ms; the last fault was '${this.#plan[next - 1]?.kind}'.`
      const fault = this.#plan[next]
      if (fault !== undefined && accepted >= acceptedBefore + fault.afterAccepted) {
        next++
        acceptedBefore = accepted
        this.ended = this.#make(fault)
        await this.ended
        movedAt = performance.now()
      } else await pause(pollInMs)
    }
    return new Promise(() => {})
  }

  async #make(fault: PlannedFault): Promise<void> {
    const { kind, durationInMs, amount, during } = fault
    this.counts[kind] = (this.counts[kind] ?? 0) + 1
    const { proxy, producer } = this.#bench
    switch (kind) {
      case 'freeze':
        producer.freeze()
        if (during !== undefined) await this.#make({ ...fault, kind: during, durationInMs: 20, during: undefined })
        await pause(durationInMs)
        producer.thaw()
        return
      case 'kill the hub':
        return this.#bench.replaceHub(durationInMs)
      case 'blackhole':
        return proxy.blackhole()
      case 'lose answers':
        return proxy.loseAnswers()
      case 'reset':
        return proxy.reset()
      case 'finish':
        return proxy.finish()
      case 'reset in the middle of a transfer':
        return proxy.resetAfter(amount)
      case 'refuse connections':
        proxy.refuse = true
        proxy.reset()
        await pause(durationInMs)
        proxy.refuse = false
        return
      case 'swallow connections':
        proxy.swallow = true
        proxy.reset()
        await pause(durationInMs)
        proxy.swallow = false
        return
      case 'slow':
        proxy.bytesPerMs = amount
        await pause(durationInMs)
        proxy.bytesPerMs = undefined
        return
      default:
        return this.#bench.hub.call('misbehave', { kind: kind satisfies FaultKind, durationInMs, amount })
    }
  }
}

const ledgerFile = (folder: string, hubNumber: number) => join(folder, `hub-${String(hubNumber).padStart(6, '0')}.bin`)

function readProducerLedger(folder: string, events: number) {
  const bytes = readFileSync(join(folder, 'producer.bin'))
  const groups = new Uint32Array(events)
  for (let i = 0; i < events; i++) groups[i] = bytes.readUInt32LE(events * 2 + i * 4)
  return { outcomes: bytes.subarray(0, events), unanswered: bytes.subarray(events, events * 2), groups }
}

/** What each hub has stored, one hub after the other. */
function* readStored(folder: string): Generator<StoredCopy> {
  const files = readdirSync(folder).filter((name) => name.startsWith('hub-'))
  for (const name of files.sort()) {
    const bytes = readFileSync(join(folder, name))
    // A hub that was killed while it wrote has told nobody of what is cut off.
    for (let i = 0; i + 8 <= bytes.length; i += 8) {
      yield { number: bytes.readUInt32LE(i), partition: bytes.readUInt32LE(i + 4) }
    }
  }
}
