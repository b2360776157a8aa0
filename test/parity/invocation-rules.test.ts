import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { EventHubError, EventHubProducerClient, type TransportType } from '../../core/index.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'
import { fakeClient } from '../support/fake-client.js'
import { type Relay, startRelay } from '../support/relay.js'
import { settlePromises } from '../support/virtual-clock.js'

const ids = ['0', '1', '2', '3']

describe('the time of an invocation', () => {
  test.each([
    [undefined, undefined, 29_500],
    [10_000, undefined, 9500],
    [1000, undefined, 900],
    [1000, 0, 1000],
    [1000, 300, 700],
    [100, 300, 0],
  ])('of %s ms with a reserve of %s ms is %i ms', async (timeoutInMs, reserveInMs, left) => {
    const { client, clock } = fakeClient({ partitionIds: ids })
    const invocation = client.beginInvocation({ timeoutInMs, reserveInMs })
    expect(invocation.remainingTimeInMs).toBe(left)
    await clock.advance(400)
    expect(invocation.remainingTimeInMs).toBe(Math.max(0, left - 400))
  })

  test('is up when its signal aborts, by the deadline', async () => {
    const { client, clock } = fakeClient({ partitionIds: ids })
    const { signal } = client.beginInvocation({ timeoutInMs: 1000, reserveInMs: 100 })
    await clock.advance(899)
    expect(signal.aborted).toBe(false)
    await clock.advance(1)
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toMatchObject({ code: 'timeout' })
  })

  test('ends early with the caller’s abortSignal, or with end()', async () => {
    const { client } = fakeClient({ partitionIds: ids })
    const abort = new AbortController()
    const aborted = client.beginInvocation({ abortSignal: abort.signal })
    abort.abort()
    await settlePromises()
    expect(aborted.signal.reason).toMatchObject({ code: 'aborted' })
    const ended = client.beginInvocation()
    await ended.end()
    expect(ended.signal.reason).toMatchObject({ code: 'invocation-ended' })
  })

  test('does not hold back the invocations beside it', async () => {
    const { client, clock, transport } = fakeClient({ partitionIds: ids })
    const short = client.beginInvocation({ timeoutInMs: 100, reserveInMs: 0 })
    const long = client.beginInvocation({ timeoutInMs: 10_000, reserveInMs: 0 })
    void short.sendEvent({ body: 'short' }, { partitionId: '0' })
    void long.sendEvent({ body: 'long' }, { partitionId: '0' })
    const [shortEnd, longEnd] = [short.end(), long.end()]
    await clock.advance(100)
    expect((await shortEnd).failures).toMatchObject([{ outcome: 'unknown' }])
    transport.openSends.find(({ bodies }) => bodies.includes('long'))?.accept()
    expect(await longEnd).toMatchObject({ accepted: 1, failures: [] })
  })
})

describe('maxConcurrentSendsPerPartition', () => {
  const full = { maxBatchSizeInBytes: 35 }

  test('lets so many batches of one owner be under way to a partition, and no more', async () => {
    const { client, transport } = fakeClient({ partitionIds: ids, maxConcurrentSendsPerPartition: 3 }, full)
    const invocation = client.beginInvocation()
    for (let i = 0; i < 5; i++) void invocation.sendEvent({ body: `${i}` }, { partitionId: '0' })
    const ended = invocation.end()
    await settlePromises()
    expect(transport.openSends.map(({ bodies }) => bodies)).toEqual([['0'], ['1'], ['2']])
    transport.openSends[1]?.accept()
    await settlePromises()
    expect(transport.openSends.map(({ bodies }) => bodies)).toEqual([['0'], ['2'], ['3']])
    while (transport.openSends.length > 0) {
      for (const send of transport.openSends) send.accept()
      await settlePromises()
    }
    expect((await ended).accepted).toBe(5)
  })

  test('is 1 by default, within an owner; owners do not wait for each other', async () => {
    const { client, transport } = fakeClient({ partitionIds: ids }, full)
    for (const name of ['a', 'b']) {
      const invocation = client.beginInvocation()
      for (let i = 0; i < 2; i++) void invocation.sendEvent({ body: `${name}${i}` }, { partitionId: '0' })
      void invocation.end()
    }
    await settlePromises()
    expect(transport.openSends.map(({ bodies }) => bodies)).toEqual([['a0'], ['b0']])
  })
})

test('a transport of one’s own, and a factory for one, are used as they are', async () => {
  const { transport } = fakeClient({}, { onSend: (send) => send.accept() })
  const credential = { name: 'n', key: 'k' }
  for (const transportType of [transport, () => transport]) {
    const client = new EventHubProducerClient('ns.example.net', 'events', credential, { transportType })
    expect(client.transportName).toBe('fake')
    await client.sendEvent({ body: 'a' })
  }
  expect(transport.sends).toHaveLength(2)
})

describe.each<TransportType>(['amqp', 'amqpOverWebSocket', 'https'])('over %s,', (type) => {
  let hub: LocalHub
  let relay: Relay
  let client: EventHubProducerClient
  beforeEach(async () => {
    hub = await startLocalHub({ sharedAccessKeys: { root: 'key' } })
    relay = await startRelay(type === 'amqp' ? hub.amqpPort : hub.httpPort)
    const text = `Endpoint=sb://127.0.0.1:${relay.port};SharedAccessKeyName=root;SharedAccessKey=key;EntityPath=events;UseDevelopmentEmulator=true`
    client = EventHubProducerClient.fromConnectionString(text, { transportType: type })
  })
  afterEach(async () => {
    await client.close({ flush: false })
    await relay.close()
    await hub.close()
  })

  test('many invocations at once share a client, and each gets its own report', async () => {
    const reports = await Promise.all(
      Array.from({ length: 40 }, async (_, n) => {
        const invocation = client.beginInvocation()
        for (let i = 0; i <= n; i++) void invocation.sendEvent({ body: `${n}:${i}` }, { partitionKey: `key-${n % 7}` })
        // One of them has an event that nobody can take.
        if (n === 13) void invocation.sendEvent({ body: () => {} } as never)
        return invocation.end()
      }),
    )
    expect(reports.map(({ accepted }) => accepted)).toEqual(Array.from({ length: 40 }, (_, n) => n + 1))
    expect(reports.flatMap(({ failures }, n) => failures.map(({ index, outcome }) => [n, index, outcome]))).toEqual([
      [13, 14, 'refused'],
    ])
    for (let n = 0; n < 40; n++) {
      const mine = hub.events('events').flatMap(({ body }) => {
        const [owner, number] = body.toString().split(':')
        return owner === `${n}` ? [Number(number)] : []
      })
      expect(mine).toEqual(Array.from({ length: n + 1 }, (_, i) => i))
    }
    if (type !== 'https') expect(relay.accepted).toBe(1)
  })

  test('warmUp does ahead of the first send what can be done, and what fails shows again there', async () => {
    await client.warmUp()
    if (type !== 'https') {
      const links = hub.connections.flatMap((connection) => connection.links.map(({ address }) => address))
      expect(links).toEqual(expect.arrayContaining(['$cbs', '$management', 'events']))
      // The ids are there: a keyed event does not have to ask.
      const before = relay.answered.toString('latin1').split('partition_ids').length
      const invocation = client.beginInvocation()
      void invocation.sendEvent({ body: 'a' }, { partitionKey: 'k' })
      expect((await invocation.end()).accepted).toBe(1)
      expect(relay.answered.toString('latin1').split('partition_ids').length).toBe(before)
    }
    await relay.close()
    await hub.close()
    const lines: string[] = []
    const lost = EventHubProducerClient.fromConnectionString(
      `Endpoint=sb://127.0.0.1:${relay.port};SharedAccessKeyName=root;SharedAccessKey=key;EntityPath=events;UseDevelopmentEmulator=true`,
      {
        transportType: type,
        retryOptions: { maxRetries: 0 },
        logger: { debug: (line) => lines.push(line) },
      },
    )
    await lost.warmUp()
    if (type !== 'https') expect(lines.some((line) => line.includes('warm-up failed'))).toBe(true)
    const error: EventHubError = await lost.sendEvent({ body: 'b' }).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(EventHubError)
    expect(error).toMatchObject({ code: 'connection-lost', outcome: 'returned' })
    await lost.close()
  })
})
