import type { EventHubProducerClient, EventInput } from '../../../core/index.js'
import { bodyOf } from './event-number.js'
import type { Random } from './random.js'

/** What a use of the client is given, and whom it tells. */
export interface Load {
  readonly client: EventHubProducerClient
  /** How many, numbered from 0. */
  readonly events: number
  readonly random: Random
  accepted(number: number): void
  failed(numbers: Iterable<number>, error: unknown): void
  /** Something that no promise allows. */
  complain(problem: string): void
  /** The event keeps its place among those of its group. */
  group(number: number, group: number): void
}

/** Most events are small; a few fill a batch, or need several frames. */
function event(number: number, random: Random): EventInput {
  const roll = random.next()
  const size = roll < 0.97 ? random.integer(10, 300) : roll < 0.999 ? random.integer(1000, 20_000) : 150_000
  return { body: bodyOf(number, size) }
}

const range = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i)

/** Many at once, each waiting for its own acknowledgement: one by one, or a few in an array. */
export async function runDirect({ client, events, random, accepted, failed, group }: Load): Promise<void> {
  const laneCount = 16
  let next = 0
  const lane = async (laneNumber: number): Promise<void> => {
    while (next < events) {
      const numbers = range(next, random.isTrue(0.3) ? 1 : Math.min(random.integer(2, 10), events - next))
      next += numbers.length
      for (const number of numbers) group(number, laneNumber + 1)
      const target = { partitionKey: `lane-${laneNumber}`, timeoutInMs: random.integer(3000, 8000) }
      const made = numbers.map((number) => event(number, random))
      const [only] = made
      try {
        if (made.length === 1 && only) await client.sendEvent(only, target)
        else await client.sendBatch(made, target)
        for (const number of numbers) accepted(number)
      } catch (error) {
        failed(numbers, error)
      }
    }
  }
  await Promise.all(range(0, laneCount).map(lane))
}

/** One stream into the buffer; what becomes of it, the callbacks are told. */
export async function runBuffered({ client, events, random, failed, complain, group }: Load): Promise<void> {
  const keyCount = 97
  for (let number = 0; number < events; number++) {
    const key = random.integer(0, keyCount - 1)
    group(number, key + 1)
    try {
      await client.sendEvent(event(number, random), { partitionKey: `key-${key}` })
    } catch (error) {
      failed([number], error)
    }
  }
  // What runs out of time stays in the buffer, and is tried again.
  for (let i = 0; client.totalBufferedEventCount !== 0; i++) {
    if (i === 10) {
      complain(`${client.totalBufferedEventCount} events are still buffered after ten times flush().`)
      break
    }
    await client.flush({ timeoutInMs: 5000 }).catch(() => {})
  }
}

/** Several invocations side by side on one client, each with its own deadline and report. */
export async function runInvocations(load: Load): Promise<void> {
  const { events, random } = load
  const sideBySide = 3
  let next = 0
  let invocations = 0
  const runtime = async (): Promise<void> => {
    while (next < events) {
      const numbers = range(next, Math.min(random.integer(20, 200), events - next))
      next += numbers.length
      await invoke(load, numbers, invocations++)
    }
  }
  await Promise.all(range(0, sideBySide).map(runtime))
}

async function invoke(load: Load, numbers: readonly number[], invocationNumber: number): Promise<void> {
  const { client, random, accepted, failed, complain, group } = load
  const keyCount = 16
  const afterFailure = random.isTrue(0.3) ? 'stop' : 'continue'
  const timeoutInMs = random.isTrue(0.05) ? random.integer(20, 400) : random.integer(2000, 6000)
  const invocation = client.beginInvocation({ timeoutInMs, afterFailure })
  const keys = numbers.map(() => random.integer(0, keyCount - 1))
  const flushAt = random.isTrue(0.3) ? random.integer(0, numbers.length - 1) : -1
  const reports = []
  for (const [i, number] of numbers.entries()) {
    const key = keys[i] ?? 0
    group(number, invocationNumber * keyCount + key + 1)
    void invocation.sendEvent(event(number, random), { partitionKey: `key-${key}` })
    if (i === flushAt) reports.push(await invocation.flush())
  }
  reports.push(await invocation.end())
  const failures = reports.flatMap((report) => report.failures)
  const acceptedCount = reports.reduce((sum, report) => sum + report.accepted, 0)
  if (acceptedCount + failures.length !== numbers.length) {
    complain(
      `Invocation ${invocationNumber} took ${numbers.length} events and reports ${acceptedCount} accepted, ${failures.length} failed.`,
    )
  }
  const hasFailed = new Set(failures.map(({ index }) => index))
  if (hasFailed.size !== failures.length) complain(`Invocation ${invocationNumber} reports an event twice.`)
  const stopped = new Set<number>()
  for (const [i, number] of numbers.entries()) {
    const key = keys[i] ?? 0
    if (hasFailed.has(i)) stopped.add(key)
    else {
      if (afterFailure === 'stop' && stopped.has(key)) {
        complain(`Invocation ${invocationNumber} was to stop after a failure, and event ${number} was accepted.`)
      }
      accepted(number)
    }
  }
  for (const { index, error, outcome } of failures) {
    if (error.outcome !== outcome) complain(`A failure's outcome is ${outcome}, its error's ${error.outcome}.`)
    failed([numbers[index] ?? -1], error)
  }
}
