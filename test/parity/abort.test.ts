import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type EventHubError,
  EventHubProducerClient,
  type EventHubProducerClientOptions,
  type TransportType,
} from '../../core/index.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'
import { type Relay, startRelay } from '../support/relay.js'

let hub: LocalHub
let relay: Relay
const clients: EventHubProducerClient[] = []

beforeEach(async () => {
  hub = await startLocalHub({ sharedAccessKeys: { root: 'key' } })
})
afterEach(async () => {
  // One that is closed already repeats what that said.
  await Promise.allSettled(clients.splice(0).map((client) => client.close({ flush: false })))
  await relay.close()
  await hub.close()
})

/** A client of a server that takes the connection, or the request, and says nothing: every wait goes on and on. */
async function stalled(type: TransportType, options: EventHubProducerClientOptions = {}) {
  relay = await startRelay(type === 'amqp' ? hub.amqpPort : hub.httpPort)
  relay.silentBefore(type === 'amqp' ? 'AMQP' : 'HTTP/1.1')
  const text = `Endpoint=sb://127.0.0.1:${relay.port};SharedAccessKeyName=root;SharedAccessKey=key;EntityPath=events;UseDevelopmentEmulator=true`
  const client = EventHubProducerClient.fromConnectionString(text, {
    transportType: type,
    socketTimeoutInMs: 60_000,
    retryOptions: { tryTimeoutInMs: 60_000 },
    ...options,
  })
  clients.push(client)
  return client
}

const buffered = (errors: EventHubError[] = []): EventHubProducerClientOptions => ({
  bufferedMode: true,
  maxBufferLength: 1,
  maxWaitTimeInMs: 0,
  onSuccess: () => {},
  onError: (_events, _partitionId, error) => {
    errors.push(error)
  },
})

type Call = (client: EventHubProducerClient, abortSignal: AbortSignal) => Promise<unknown>

/** What becomes of a call whose signal aborts while it waits; it must have waited, and must end soon. */
async function abortedCall(client: EventHubProducerClient, call: Call): Promise<EventHubError | 'resolved'> {
  const abort = new AbortController()
  let isOver = false
  const ended = call(client, abort.signal).then(
    () => 'resolved' as const,
    (error: EventHubError) => error,
  )
  void ended.then(() => {
    isOver = true
  })
  await sleep(60)
  expect(isOver).toBe(false)
  const abortedAt = performance.now()
  abort.abort(new Error('enough'))
  const result = await ended
  expect(performance.now() - abortedAt).toBeLessThan(500)
  return result
}

const sends: readonly (readonly [string, Call])[] = [
  ['sendEvent', (client, abortSignal) => client.sendEvent({ body: 'a' }, { abortSignal })],
  ['sendBatch', (client, abortSignal) => client.sendBatch([{ body: 'a' }, { body: 'b' }], { abortSignal })],
]
const readings: readonly (readonly [string, Call])[] = [
  ['getEventHubProperties', (client, abortSignal) => client.getEventHubProperties({ abortSignal })],
  ['getPartitionIds', (client, abortSignal) => client.getPartitionIds({ abortSignal })],
  ['getPartitionProperties', (client, abortSignal) => client.getPartitionProperties('0', { abortSignal })],
]
const types: TransportType[] = ['amqp', 'amqpOverWebSocket', 'https']

describe.each(types)('over %s, an abortSignal ends the wait of', (type) => {
  test.each(type === 'https' ? sends : [...sends, ...readings])('%s, saying why', async (_, call) => {
    const error = await abortedCall(await stalled(type), call)
    // Over HTTP the request may have been taken; over AMQP the connection was not even open.
    expect(error).toMatchObject({ code: 'aborted', outcome: type === 'https' ? 'unknown' : 'returned' })
    expect((error as EventHubError).cause).toMatchObject({ message: 'enough' })
  })

  test('a send that pauses before it is tried again', async () => {
    const client = await stalled(type, { retryOptions: { retryDelayInMs: 60_000 } })
    await relay.close()
    const error = await abortedCall(client, (each, abortSignal) => each.sendEvent({ body: 'a' }, { abortSignal }))
    expect(error).toMatchObject({ code: 'aborted', outcome: 'returned' })
  })

  test('a send for which no slot is free', async () => {
    const client = await stalled(type, { maxConcurrentSends: 1 })
    client.sendEvent({ body: 'first' }).catch(() => {})
    const error = await abortedCall(client, (each, abortSignal) => each.sendEvent({ body: 'a' }, { abortSignal }))
    expect(error).toMatchObject({ code: 'aborted', outcome: 'returned' })
  })

  test.each<readonly [string, Call]>([
    ['sendEvent', (client, abortSignal) => client.sendEvent({ body: 'b' }, { partitionId: '0', abortSignal })],
    [
      'sendBatch',
      async (client, abortSignal) => {
        const batch = await client.createBatch({ partitionId: '0' })
        batch.tryAdd({ body: 'b' })
        await client.sendBatch(batch, { abortSignal })
      },
    ],
  ])('%s that waits for room in the buffer: the event was not taken', async (_, call) => {
    const client = await stalled(type, buffered())
    await client.sendEvent({ body: 'a' }, { partitionId: '0' })
    expect(await abortedCall(client, call)).toMatchObject({ code: 'aborted', outcome: 'returned' })
    expect(client.totalBufferedEventCount).toBe(1)
  })

  test('flush: what is left stays buffered', async () => {
    const client = await stalled(type, buffered())
    await client.sendEvent({ body: 'a' }, { partitionId: '0' })
    const error = await abortedCall(client, (each, abortSignal) => each.flush({ abortSignal }))
    expect(error).toMatchObject({ code: 'aborted' })
    expect(client.totalBufferedEventCount).toBe(1)
  })

  test('close: what is left goes to onError, and the client is closed', async () => {
    const errors: EventHubError[] = []
    const client = await stalled(type, buffered(errors))
    await client.sendEvent({ body: 'a' }, { partitionId: '0' })
    const error = await abortedCall(client, (each, abortSignal) => each.close({ abortSignal }))
    expect(error).toMatchObject({ code: 'aborted' })
    expect(errors).toMatchObject([{ code: 'client-closed', outcome: type === 'https' ? 'unknown' : 'returned' }])
    await expect(client.sendEvent({ body: 'late' })).rejects.toMatchObject({ code: 'client-closed' })
  })

  test('sendEvent of an invocation that waits for room: it stands in the report as returned', async () => {
    const client = await stalled(type, { maxBufferLength: 1 })
    const invocation = client.beginInvocation({ timeoutInMs: 1000, reserveInMs: 0 })
    void invocation.sendEvent({ body: 'a' }, { partitionId: '0' })
    const error = await abortedCall(client, (_, abortSignal) =>
      invocation.sendEvent({ body: 'b' }, { partitionId: '0', abortSignal }),
    )
    expect(error).toMatchObject({ code: 'aborted', outcome: 'returned' })
    const { failures } = await invocation.end()
    expect(failures.map(({ index, error: { code } }) => [index, code])).toEqual([
      [0, 'timeout'],
      [1, 'aborted'],
    ])
  })

  test('an invocation: end resolves at once, everything accounted for', async () => {
    const client = await stalled(type)
    const call: Call = async (each, abortSignal) => {
      const invocation = each.beginInvocation({ abortSignal })
      void invocation.sendEvent({ body: 'a' }, { partitionId: '0' })
      return Promise.reject(await invocation.end())
    }
    expect(await abortedCall(client, call)).toMatchObject({
      accepted: 0,
      failures: [{ index: 0, outcome: type === 'https' ? 'unknown' : 'returned', error: { code: 'aborted' } }],
    })
  })
})

test.each<TransportType>(['amqp', 'amqpOverWebSocket'])('over %s, an abortSignal ends warmUp', async (type) => {
  const client = await stalled(type)
  expect(await abortedCall(client, (each, abortSignal) => each.warmUp({ abortSignal }))).toBe('resolved')
})

test('a signal that has aborted already starts nothing', async () => {
  const client = await stalled('amqp')
  const abortSignal = AbortSignal.abort()
  for (const [, call] of [...sends, ...readings]) {
    await expect(call(client, abortSignal)).rejects.toMatchObject({ code: 'aborted', outcome: 'returned' })
  }
  await client.warmUp({ abortSignal })
  expect(relay.accepted).toBe(0)
})
