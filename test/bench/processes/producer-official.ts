import {
  EventHubBufferedProducerClient,
  EventHubProducerClient,
  type OnSendEventsErrorContext,
  type OnSendEventsSuccessContext,
} from '@azure/event-hubs'
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
let direct: EventHubProducerClient | undefined
let buffered: EventHubBufferedProducerClient | undefined
const told = { accepted: 0, failedIds: [] as number[], lastAt: 0 }

function theArguments(): OpenArguments {
  if (opened === undefined) throw new Error('The producer has not been opened.')
  return opened
}

function directClient(): EventHubProducerClient {
  const { connectionString, options } = theArguments()
  direct ??= new EventHubProducerClient(connectionString, options ?? {})
  return direct
}

function bufferedClient(): EventHubBufferedProducerClient {
  const { connectionString, options } = theArguments()
  buffered ??= new EventHubBufferedProducerClient(connectionString, {
    ...options,
    onSendEventsSuccessHandler: ({ events }: OnSendEventsSuccessContext) => {
      told.accepted += events.length
      told.lastAt = performance.now()
    },
    onSendEventsErrorHandler: async ({ events }: OnSendEventsErrorContext) => {
      told.failedIds.push(...events.map(({ body }) => idOf(body as Buffer)))
    },
  })
  return buffered
}

const toEvent = ({ id }: NumberedEvent) => ({ body: bodyOf(id, smallEventInBytes) })
/** It refuses a field that is there and undefined in some places. */
const toTarget = ({ partitionId, partitionKey }: Target) =>
  partitionId !== undefined ? { partitionId } : partitionKey !== undefined ? { partitionKey } : {}

async function send({ events }: { readonly events: readonly NumberedEvent[] }): Promise<Timing> {
  const acceptedBefore = told.accepted
  const startedAt = performance.now()
  if (theArguments().style === 'buffered') {
    const producer = bufferedClient()
    for (const event of events) await producer.enqueueEvent(toEvent(event), toTarget(event))
    await producer.flush()
    const returnedInMs = performance.now() - startedAt
    assertAccepted(told.accepted - acceptedBefore, events.length)
    return { acknowledgedInMs: told.lastAt - startedAt, returnedInMs }
  }
  const producer = directClient()
  await Promise.all(events.map((event) => producer.sendBatch([toEvent(event)], toTarget(event))))
  const elapsed = performance.now() - startedAt
  return { acknowledgedInMs: elapsed, returnedInMs: elapsed }
}

function assertAccepted(accepted: number, count: number): void {
  if (accepted !== count) throw new Error(`${accepted} of ${count} events were accepted.`)
}

async function stream(argument: StreamArguments): Promise<StreamTiming> {
  const { firstId, count, sizeInBytes, partitionIds, spread, calls } = argument
  if (calls === 'invocations') throw new Error('The official client has no invocations.')
  const producer = bufferedClient()
  const bodyAt = bodySource(firstId, count, sizeInBytes, argument.bodies)
  const acceptedBefore = told.accepted
  // What an earlier run has left behind is not this one's.
  globalThis.gc?.()
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  if (calls === 'arrays') {
    for (let i = 0; i < count; i += 500) {
      const events = []
      for (let j = i; j < Math.min(i + 500, count); j++) events.push({ body: bodyAt(j) })
      await producer.enqueueEvents(events, { partitionId: partitionIds[(i / 500) % partitionIds.length] ?? '' })
    }
  } else if (spread === 'none') {
    for (let i = 0; i < count; i++) await producer.enqueueEvent({ body: bodyAt(i) })
  } else if (spread === 'key') {
    for (let i = 0; i < count; i++) {
      await producer.enqueueEvent({ body: bodyAt(i) }, { partitionKey: `key-${i % 1000}` })
    }
  } else {
    for (let i = 0; i < count; i++) {
      await producer.enqueueEvent({ body: bodyAt(i) }, { partitionId: partitionIds[i % partitionIds.length] ?? '' })
    }
  }
  await producer.flush()
  const { user, system } = process.cpuUsage(cpuBefore)
  assertAccepted(told.accepted - acceptedBefore, count)
  return { cpuInMs: (user + system) / 1000, acknowledgedInMs: told.lastAt - startedAt }
}

async function batches(argument: BatchesArguments): Promise<Timing> {
  const { firstId, batchCount, eventsPerBatch, sizeInBytes, partitionId, sends } = argument
  const producer = directClient()
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
  else await Promise.all(made.map((batch) => producer.sendBatch(batch)))
  const elapsed = performance.now() - startedAt
  return { acknowledgedInMs: elapsed, returnedInMs: elapsed }
}

async function account({ events }: { readonly events: readonly NumberedEvent[] }): Promise<Account> {
  const startedAt = performance.now()
  const before = { accepted: told.accepted, failed: told.failedIds.length }
  if (theArguments().style === 'buffered') {
    const producer = bufferedClient()
    for (const event of events) await producer.enqueueEvent(toEvent(event), toTarget(event))
    await producer.flush()
  } else {
    const producer = directClient()
    const one = (event: NumberedEvent) =>
      producer.sendBatch([toEvent(event)], toTarget(event)).then(
        () => {
          told.accepted++
        },
        () => {
          told.failedIds.push(event.id)
        },
      )
    await Promise.all(events.map(one))
  }
  const failedIds = told.failedIds.slice(before.failed)
  return {
    accepted: told.accepted - before.accepted,
    failed: failedIds.length,
    failedIds,
    elapsedInMs: performance.now() - startedAt,
  }
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
    await Promise.all([direct?.close(), buffered?.close()])
    reportExitTime()
  },
}
serve(commands)
