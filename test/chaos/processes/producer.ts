import { writeFileSync } from 'node:fs'
import { amqpOverWebSocketTransport, amqpTransport } from '../../../core/amqp/index.js'
import { httpsTransport } from '../../../core/https/index.js'
import { type EventHubError, EventHubProducerClient } from '../../../core/index.js'
import { serve } from '../../bench/support/child.js'
import { numberOf } from '../support/event-number.js'
import { outcome } from '../support/ledger.js'
import { Random } from '../support/random.js'
import type { Use, Wire } from '../support/scenarios.js'
import { type Load, runBuffered, runDirect, runInvocations } from '../support/uses.js'
import { watching } from '../support/watching-transport.js'

export interface ProducerStart {
  readonly connectionString: string
  readonly use: Use
  readonly wire: Wire
  readonly idempotent: boolean
  readonly events: number
  readonly seed: number
  /** Where its ledger goes: outcomes and unanswered, a byte each for each event, then groups, four bytes each. */
  readonly ledgerFile: string
}

export interface ProducerResult {
  /** What contradicts a promise by the producer's own account. */
  readonly problems: readonly string[]
  /** The most memory that the process had, in bytes. */
  readonly peakRssInBytes: number
}

const transports = { amqp: amqpTransport, amqpOverWebSocket: amqpOverWebSocketTransport, https: httpsTransport }
const memorySampleInMs = 100

/** What the client last said; it never speaks of bodies or secrets. */
const diary: string[] = []
const done = { settled: 0, accepted: 0 }
let client: EventHubProducerClient | undefined

function note(message: string): void {
  diary.push(`${Math.round(performance.now())} ${message}`)
  if (diary.length > 40) diary.shift()
}

async function run(start: ProducerStart): Promise<ProducerResult> {
  const { events, use } = start
  const outcomes = new Uint8Array(events)
  const unanswered = new Uint8Array(events)
  const groups = new Uint32Array(events)
  const problems: string[] = []
  const complain = (problem: string) => {
    if (problems.length < 20) problems.push(problem)
  }
  const settle = (number: number, code: number): void => {
    if (outcomes[number] !== 0) complain(`Event ${number} has outcome ${outcomes[number]}, then ${code}.`)
    outcomes[number] = code
    done.settled++
    if (code === outcome.accepted) done.accepted++
  }
  let peakRssInBytes = 0
  const sampling = setInterval(() => {
    peakRssInBytes = Math.max(peakRssInBytes, process.memoryUsage.rss())
  }, memorySampleInMs)

  const common = {
    transportType: watching(transports[start.wire], (number) => {
      unanswered[number] = 1
    }),
    enableIdempotentRetries: start.idempotent,
    // Half a minute of patience would prove no more, and take as long.
    retryOptions: { maxRetries: 4, retryDelayInMs: 20, maxRetryDelayInMs: 300, tryTimeoutInMs: 2000 },
    socketTimeoutInMs: 3000,
    authTimeoutInMs: 3000,
    logger: { debug: note, info: note, warn: note, error: note },
    maxBufferSizeInBytes: 4 * 1024 * 1024,
    maxBufferLength: 50,
  }
  const failed = (numbers: Iterable<number>, error: unknown) => {
    const code = outcome[(error as EventHubError).outcome]
    if (code === undefined) complain(`An error without an outcome: ${String(error)}`)
    for (const number of numbers) settle(number, code)
  }
  const made =
    use === 'buffered'
      ? EventHubProducerClient.fromConnectionString(start.connectionString, {
          ...common,
          bufferedMode: true,
          maxWaitTimeInMs: 20,
          onSuccess: (taken) => {
            for (const { body } of taken) settle(numberOf(body), outcome.accepted)
          },
          onError: (taken, _partitionId, error) =>
            failed(
              taken.map(({ body }) => numberOf(body)),
              error,
            ),
        })
      : EventHubProducerClient.fromConnectionString(start.connectionString, common)
  client = made
  const load: Load = {
    client: made,
    events,
    random: new Random(start.seed),
    accepted: (number) => settle(number, outcome.accepted),
    failed,
    complain,
    group: (number, group) => {
      groups[number] = group
    },
  }
  await { direct: runDirect, buffered: runBuffered, invocation: runInvocations }[use](load)
  clearInterval(sampling)
  if (done.settled !== events) complain(`${done.settled} of ${events} events have settled.`)
  writeFileSync(start.ledgerFile, Buffer.concat([outcomes, unanswered, new Uint8Array(groups.buffer)]))
  return { problems, peakRssInBytes: Math.max(peakRssInBytes, process.memoryUsage.rss()) }
}

const commands = {
  run,
  progress: () => done,
  diary: () => [...diary, `${Math.round(performance.now())} now; buffered: ${client?.totalBufferedEventCount}`],
  /** Closes the client and lets go of the driver: nothing may keep the process alive after that. */
  async leave(): Promise<void> {
    try {
      await client?.close()
    } catch (error) {
      console.error(error)
      process.exit(3)
    }
    process.removeAllListeners('disconnect')
    process.disconnect()
  },
}

export type ProducerCommands = typeof commands
serve(commands)
