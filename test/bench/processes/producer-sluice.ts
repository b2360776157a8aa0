import { EventHubProducerClient, type EventInput, type Invocation } from '../../../core/index.js'
import { serve } from '../support/child.js'
import { bodyOf, bodySource, idOf } from '../support/events.js'
import {
  type Account,
  type BatchesArguments,
  type NumberedEvent,
  type OpenArguments,
  type ProducerCommands,
  reportExitTime,
  type StreamArguments,
  type StreamTiming,
  type Target,
  type Timing,
} from '../support/producer.js'

const smallEventInBytes = 100

let opened: OpenArguments | undefined
let client: EventHubProducerClient | undefined
/** Told by the callbacks of buffered mode. */
const told = { accepted: 0, failedIds: [] as number[], lastAt: 0 }

/** The client, made at the first use. */
function theClient(): EventHubProducerClient {
  if (client !== undefined) return client
  if (opened === undefined) throw new Error('The producer has not been opened.')
  const { connectionString, style, options = {} } = opened
  const buffered = {
    bufferedMode: true,
    onSuccess: (events: EventInput[]) => {
      told.accepted += events.length
      told.lastAt = performance.now()
    },
    onError: (events: EventInput[]) => {
      told.failedIds.push(...events.map(({ body }) => idOf(body as Buffer)))
    },
  }
  client = EventHubProducerClient.fromConnectionString(connectionString, {
    ...options,
    ...(style === 'buffered' ? buffered : {}),
  } as Parameters<typeof EventHubProducerClient.fromConnectionString>[1])
  return client
}

const toEvent = ({ id }: NumberedEvent) => ({ body: bodyOf(id, smallEventInBytes) })
const toTarget = ({ partitionId, partitionKey }: Target) => ({ partitionId, partitionKey })

async function send({ events }: { readonly events: readonly NumberedEvent[] }): Promise<Timing> {
  const acceptedBefore = told.accepted
  const startedAt = performance.now()
  const producer = theClient()
  if (opened?.style === 'buffered') {
    for (const event of events) await producer.sendEvent(toEvent(event), toTarget(event))
    await producer.flush()
    const returnedInMs = performance.now() - startedAt
    assertAccepted(told.accepted - acceptedBefore, events.length)
    return { acknowledgedInMs: told.lastAt - startedAt, returnedInMs }
  }
  if (opened?.style === 'invocation') {
    const invocation = producer.beginInvocation()
    for (const event of events) void invocation.sendEvent(toEvent(event), toTarget(event))
    await assertEnded(invocation, events.length)
  } else {
    await Promise.all(events.map((event) => producer.sendEvent(toEvent(event), toTarget(event))))
  }
  const elapsed = performance.now() - startedAt
  return { acknowledgedInMs: elapsed, returnedInMs: elapsed }
}

async function assertEnded(invocation: Invocation, count: number): Promise<void> {
  const { accepted, failures } = await invocation.end()
  const [failure] = failures
  if (failure) throw failure.error
  assertAccepted(accepted, count)
}

function assertAccepted(accepted: number, count: number): void {
  if (accepted !== count) throw new Error(`${accepted} of ${count} events were accepted.`)
}

async function stream(argument: StreamArguments): Promise<StreamTiming> {
  const { firstId, count, sizeInBytes, partitionIds, spread, calls } = argument
  const producer = theClient()
  const bodyAt = bodySource(firstId, count, sizeInBytes, argument.bodies)
  const acceptedBefore = told.accepted
  // What an earlier run has left behind is not this one's.
  globalThis.gc?.()
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  if (calls === 'invocations') {
    for (let i = 0; i < count; i += 100) {
      const until = Math.min(i + 100, count)
      const invocation = producer.beginInvocation()
      for (let j = i; j < until; j++) {
        void invocation.sendEvent({ body: bodyAt(j) }, { partitionId: partitionIds[j % partitionIds.length] })
      }
      await assertEnded(invocation, until - i)
      told.accepted += until - i
      told.lastAt = performance.now()
    }
  } else if (calls === 'arrays') {
    for (let i = 0; i < count; i += 500) {
      const events = []
      for (let j = i; j < Math.min(i + 500, count); j++) events.push({ body: bodyAt(j) })
      await producer.sendBatch(events, { partitionId: partitionIds[(i / 500) % partitionIds.length] })
    }
  } else if (spread === 'none') {
    for (let i = 0; i < count; i++) await producer.sendEvent({ body: bodyAt(i) })
  } else if (spread === 'key') {
    for (let i = 0; i < count; i++) {
      await producer.sendEvent({ body: bodyAt(i) }, { partitionKey: `key-${i % 1000}` })
    }
  } else {
    for (let i = 0; i < count; i++) {
      await producer.sendEvent({ body: bodyAt(i) }, { partitionId: partitionIds[i % partitionIds.length] })
    }
  }
  await producer.flush()
  const { user, system } = process.cpuUsage(cpuBefore)
  assertAccepted(told.accepted - acceptedBefore, count)
  return { cpuInMs: (user + system) / 1000, acknowledgedInMs: told.lastAt - startedAt }
}

async function batches(argument: BatchesArguments): Promise<Timing> {
  const { firstId, batchCount, eventsPerBatch, sizeInBytes, partitionId, sends } = argument
  const producer = theClient()
  const made = []
  for (let i = 0; i < batchCount; i++) {
    const batch = await producer.createBatch({ partitionId })
    for (let j = 0; j < eventsPerBatch; j++) {
      const body = bodyOf(firstId + i * eventsPerBatch + j, sizeInBytes)
      if (!batch.tryAdd({ body })) throw new Error('The events do not fit one batch.')
    }
    made.push(batch)
  }
  const startedAt = performance.now()
  if (sends === 'one-by-one') for (const batch of made) await producer.sendBatch(batch)
  else if (opened?.style === 'direct') await Promise.all(made.map((batch) => producer.sendBatch(batch)))
  else {
    const invocation = producer.beginInvocation()
    for (const batch of made) void invocation.sendBatch(batch)
    await assertEnded(invocation, batchCount * eventsPerBatch)
  }
  const elapsed = performance.now() - startedAt
  return { acknowledgedInMs: elapsed, returnedInMs: elapsed }
}

/** As a careful user asks what became of events: the report of an invocation, or the callbacks of the buffered mode. */
async function account({
  events,
  timeoutInMs,
}: {
  readonly events: readonly NumberedEvent[]
  readonly timeoutInMs: number
}): Promise<Account> {
  const producer = theClient()
  const startedAt = performance.now()
  if (opened?.style === 'buffered') {
    const before = { accepted: told.accepted, failed: told.failedIds.length }
    for (const event of events) await producer.sendEvent(toEvent(event), toTarget(event))
    await producer.flush({ timeoutInMs }).catch(() => {})
    const failedIds = told.failedIds.slice(before.failed)
    return {
      accepted: told.accepted - before.accepted,
      failed: failedIds.length,
      failedIds,
      elapsedInMs: performance.now() - startedAt,
    }
  }
  const invocation = producer.beginInvocation({ timeoutInMs })
  for (const event of events) void invocation.sendEvent(toEvent(event), toTarget(event))
  const { accepted, failures } = await invocation.end()
  const failedIds = failures.map(({ event }) => idOf(event.body as Buffer))
  return { accepted, failed: failures.length, failedIds, elapsedInMs: performance.now() - startedAt }
}

const commands: ProducerCommands = {
  open(argument) {
    opened = argument
  },
  send,
  stream,
  batches,
  account,
  memory() {
    globalThis.gc?.()
    const { rss, heapUsed } = process.memoryUsage()
    return { rssInBytes: rss, heapInBytes: heapUsed }
  },
  async leave() {
    await theClient().close()
    reportExitTime()
  },
}
serve(commands)
