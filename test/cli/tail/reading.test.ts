import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../core/clock.js'
import { EventHubProducerClient } from '../../../core/index.js'
import { type LocalHub, type LocalHubOptions, startLocalHub } from '../../../infra/local-hub/index.js'
import { startConnectProxy } from '../../support/connect-proxy.js'
import { createPrivateAuthority } from '../../support/private-authority.js'
import { startRelay } from '../../support/relay.js'
import { bodiesOf, credential, read, readAll, take } from './reading.js'

/** A busy machine may take its time. */
const patiently = { timeout: 10_000 }

let hub: LocalHub
const hubs: LocalHub[] = []
const clients: EventHubProducerClient[] = []

async function startHub(options: LocalHubOptions = {}): Promise<LocalHub> {
  const started = await startLocalHub({
    eventHubs: { events: { partitionCount: 2, consumerGroups: ['others'] } },
    sharedAccessKeys: { [credential.name]: credential.key, sender: { key: 'only-to-send', rights: ['send'] } },
    claimScope: 'exact',
    ...options,
  })
  hubs.push(started)
  return started
}

beforeEach(async () => {
  hub = await startHub()
})
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close({ flush: false })))
  await Promise.all(hubs.splice(0).map((each) => each.close()))
})

function producer(to = hub): EventHubProducerClient {
  const client = EventHubProducerClient.fromConnectionString(to.connectionStringFor('events', { keyName: 'root' }), {
    retryOptions: { retryDelayInMs: 10 },
  })
  clients.push(client)
  return client
}

/** Bodies 0, 1, 2 … to one partition, counted on from the last call. */
function numbers(to = hub) {
  let next = 0
  return async (count: number, partitionId = '0') => {
    const events = Array.from({ length: count }, () => ({ body: next++ }))
    // A producer of its own each time, which no fault of before has hit.
    await producer(to).sendBatch(events, { partitionId })
  }
}

const readerLinks = () =>
  hub.connections.flatMap(({ links }) => links.filter(({ address }) => address.includes('ConsumerGroups'))).length

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at)

describe('where reading begins and ends', () => {
  test('from the earliest event to the end, each partition in its order', async () => {
    const send = numbers()
    await send(300, '0')
    await send(50, '1')
    const events = await readAll(hub)
    const of = (id: string) => bodiesOf(events.filter(({ partitionId }) => partitionId === id))
    expect(of('0')).toEqual(upTo(300))
    expect(of('1')).toEqual(upTo(350).slice(300))
    // It leaves nothing behind.
    await expect.poll(readerLinks, patiently).toBe(0)
  })

  test('an empty event hub ends at once', async () => {
    expect(await readAll(hub)).toEqual([])
  })

  test.each([
    ['3', [3, 4]],
    ['sequence:3', [3, 4]],
    ['5', []],
    ['latest', []],
  ])('from %s', async (from, expected) => {
    await numbers()(5)
    expect(bodiesOf(await readAll(hub, { from }))).toEqual(expected)
  })

  test('from an offset, the event there included', async () => {
    await numbers()(5)
    const offset = hub.events('events', '0')[3]?.offset
    expect(bodiesOf(await readAll(hub, { from: `offset:${offset}` }))).toEqual([3, 4])
    expect(await readAll(hub, { from: 'offset:99999' })).toEqual([])
  })

  test('from a time, the event of that very millisecond included', async () => {
    let now = Date.parse('2026-05-04T03:02:01Z')
    const timed = await startHub({ now: () => now })
    const client = producer(timed)
    for (const body of [0, 1, 2]) {
      await client.sendEvent({ body }, { partitionId: '0' })
      now += 1000
    }
    expect(bodiesOf(await readAll(timed, { from: '2026-05-04T03:02:02.000Z' }))).toEqual([1, 2])
    expect(bodiesOf(await readAll(timed, { from: '2026-05-04T03:02:02.001Z' }))).toEqual([2])
    expect(await readAll(timed, { from: '2026-05-05' })).toEqual([])
  })

  test('one partition alone', async () => {
    const send = numbers()
    await send(2, '0')
    await send(2, '1')
    expect(bodiesOf(await readAll(hub, { partitionIds: ['1'] }))).toEqual([2, 3])
  })

  test('following shows what comes, and nothing from before', async () => {
    const send = numbers()
    await send(3)
    const { events } = read(hub, { from: 'latest', follow: true })
    const first = events.next()
    await expect.poll(readerLinks, patiently).toBe(2)
    await send(2)
    const { value } = await first
    expect(value && bodiesOf([value])).toEqual([3])
    expect(bodiesOf(await take(events, 1))).toEqual([4])
    await events.return()
    await expect.poll(readerLinks, patiently).toBe(0)
  })
})

describe('the way', () => {
  test('over WebSocket', async () => {
    await numbers()(3)
    const endpoint = { hostname: '127.0.0.1', port: hub.httpPort }
    expect(bodiesOf(await readAll(hub, { place: { transportType: 'amqpOverWebSocket', endpoint } }))).toEqual(upTo(3))
  })

  test('over TLS, WebSocket and a proxy', async () => {
    const authority = createPrivateAuthority('A private authority')
    const secured = await startHub({ tls: authority.issue(['localhost']) })
    await numbers(secured)(3)
    const proxy = await startConnectProxy()
    const place = {
      fullyQualifiedNamespace: 'ns.example.net',
      development: false,
      endpoint: { hostname: 'localhost', port: secured.httpsPort },
      tls: { ca: authority.ca },
      httpProxy: { hostname: '127.0.0.1', port: proxy.port },
      transportType: 'amqpOverWebSocket',
    } as const
    expect(bodiesOf(await readAll(secured, { place }))).toEqual(upTo(3))
    expect(proxy.requests).toHaveLength(1)
    await proxy.close()
  })
})

describe('what gets lost on the way', () => {
  test.each([
    ['a connection that is destroyed', (to: LocalHub) => to.faults.destroyConnections()],
    ['a connection that the service closes', (to: LocalHub) => to.faults.forceCloseConnections()],
    ['links that are detached', (to: LocalHub) => to.faults.detachLinks()],
    ['a connection that falls silent', (to: LocalHub) => to.faults.silenceOpenConnections()],
  ])('%s costs no event and repeats none', async (_name, fail) => {
    const send = numbers()
    await send(200)
    const { events, notices } = read(hub, { follow: true, idleTimeoutInMs: 400 })
    const taken = await take(events, 70)
    fail(hub)
    await send(300)
    taken.push(...(await take(events, 430)))
    expect(bodiesOf(taken)).toEqual(upTo(500))
    expect(notices.length).toBeGreaterThan(0)
    expect(notices.every((line) => line.endsWith('Connecting again.'))).toBe(true)
    await events.return()
  })

  test('what comes between the loss and the next connection is read, also before the first event', async () => {
    const send = numbers()
    await send(5)
    const { events } = read(hub, { from: 'latest', follow: true, partitionIds: ['0'] })
    const first = events.next()
    await expect.poll(readerLinks, patiently).toBe(1)
    hub.faults.destroyConnections()
    hub.faults.refuseConnections = true
    const sending = send(3)
    await new Promise(setImmediate)
    hub.faults.refuseConnections = false
    await sending
    const { value } = await first
    expect(bodiesOf([...(value ? [value] : []), ...(await take(events, 2))])).toEqual([5, 6, 7])
    await events.return()
  })

  test.each([
    ['fewer events than were read', 3],
    ['more', 9],
  ])('an event hub that was made anew, with %s, is read from its beginning', async (_what, count) => {
    await numbers()(5)
    const { events, notices } = read(hub, { follow: true, partitionIds: ['0'] })
    expect(bodiesOf(await take(events, 5))).toEqual(upTo(5))
    const amqpPort = hub.amqpPort
    await hub.close()
    hub = await startHub({ amqpPort })
    const send = numbers()
    await send(count)
    expect(bodiesOf(await take(events, count))).toEqual(upTo(count))
    await send(2)
    expect(bodiesOf(await take(events, 2))).toEqual([count, count + 1])
    expect(notices.filter((line) => line.includes("event hub 'events' was made anew"))).toHaveLength(1)
    await events.return()
  })

  test.each([
    ['events', { events: 256, sizeInBytes: 2 ** 26 }, 10, 256],
    ['bytes', { events: 256, sizeInBytes: 100_000 }, 4000, 24],
  ])('a taker that is slow gets no more than a bounded number of %s ahead', async (_name, mostWaiting, size, most) => {
    const relay = await startRelay(hub.amqpPort)
    const markers = Array.from({ length: 1000 }, (_, at) => ({ body: `<${at}>${' '.repeat(size)}` }))
    const client = producer()
    for (let at = 0; at < 1000; at += 200) await client.sendBatch(markers.slice(at, at + 200), { partitionId: '0' })
    const endpoint = { hostname: '127.0.0.1', port: relay.port }
    const { events } = read(hub, { follow: true, partitionIds: ['0'], place: { endpoint }, mostWaiting })
    const handedOut = () => Number(/^(?:[\s\S]*)<(\d+)>/.exec(relay.answered.toString('latin1'))?.[1]) + 1
    let taken = (await take(events, 1)).length
    // The first few tell how large events are; then it is as many as may wait.
    await expect.poll(handedOut, patiently).toBe(most === 256 ? 257 : 16)
    for (let round = 0; round < 5; round++) {
      taken += (await take(events, 150)).length
      expect(handedOut()).toBeLessThanOrEqual(taken + most)
    }
    expect(taken).toBe(751)
    await events.return()
    await relay.close()
  })
})

test('a reading of hours renews its claims before they end, on the same connection', async () => {
  let ahead = 0
  const minute = 60_000
  const wallNow = () => Date.now() + ahead
  const aging = await startHub({ now: wallNow })
  const renewals: { readonly delayInMs: number; readonly callback: () => void }[] = []
  const clock = {
    ...systemClock,
    wallNow,
    schedule(delayInMs: number, callback: () => void) {
      if (delayInMs <= minute) return systemClock.schedule(delayInMs, callback)
      renewals.push({ delayInMs, callback })
      return () => {}
    },
  }
  const send = async (body: number) => {
    const options = { clock: { ...systemClock, wallNow } }
    await using client = EventHubProducerClient.fromConnectionString(
      aging.connectionStringFor('events', { keyName: 'root' }),
      options,
    )
    await client.sendEvent({ body }, { partitionId: '0' })
  }
  const { events, notices } = read(aging, { follow: true, partitionIds: ['0'], clock })
  await send(1)
  await events.next()
  for (let round = 2; round < 4; round++) {
    await expect.poll(() => renewals.length, patiently).toBe(1)
    const [renewal] = renewals.splice(0)
    // Signatures are good for an hour.
    expect(renewal?.delayInMs).toBeGreaterThan(40 * minute)
    ahead += 50 * minute
    const claims = () => aging.connections[0]?.claims.filter(({ path }) => path.includes('consumergroups')) ?? []
    const endsAt = claims()[0]?.expiresAt
    renewal?.callback()
    await expect.poll(() => claims()[0]?.expiresAt, patiently).not.toBe(endsAt)
    ahead += 20 * minute
    await send(round)
    const { value } = await events.next()
    expect(value && bodiesOf([value])).toEqual([round])
  }
  expect(notices).toEqual([])
  await events.return()
})

describe('what cannot be read', () => {
  const failure = async (options: Parameters<typeof readAll>[1]) =>
    readAll(hub, { follow: true, ...options }).then(
      () => Promise.reject(new Error('It was read.')),
      (error: Error & { code: string }) => error,
    )

  test('without the Listen right: the right is named', async () => {
    const error = await failure({ place: { credential: { name: 'sender', key: 'only-to-send' } } })
    expect(error).toMatchObject({ code: 'unauthorized' })
    expect(error.message).toContain('needs the Listen right')
  })

  test('with a wrong key', async () => {
    const error = await failure({ place: { credential: { name: 'root', key: 'wrong-key' } } })
    expect(error).toMatchObject({ code: 'unauthorized' })
    expect(error.message).toContain('InvalidSignature')
    expect(error.message).not.toContain('wrong-key')
  })

  test('an event hub, a consumer group or a partition that is not there', async () => {
    expect((await failure({ place: { eventHubName: 'nothing' } })).message).toContain("no event hub 'nothing'")
    expect((await failure({ consumerGroup: 'nobody' })).message).toContain("no consumer group 'nobody'")
    expect((await failure({ partitionIds: ['0', '7'] })).message).toBe("'events' has no partition '7'. It has: 0, 1.")
  })

  test('a port that is closed: told at once, without another try', async () => {
    const gone = await startHub()
    await gone.close()
    const { events, notices } = read(gone, { follow: true })
    await expect(events.next()).rejects.toMatchObject({ code: 'connection-lost' })
    expect(notices).toEqual([])
  })

  test('a consumer group that has its fill of readers', async () => {
    await numbers()(1)
    const readings = upTo(5).map(() => read(hub, { follow: true, consumerGroup: 'others' }).events)
    for (const events of readings) await events.next()
    const error = await failure({ consumerGroup: 'others' })
    expect(error.message).toContain('Too many readers')
    for (const events of readings) await events.return()
  })

  test('a key that is taken away while reading ends the reading once its claims are gone', async () => {
    let ahead = 0
    const aging = await startHub({ now: () => Date.now() + ahead })
    const client = producer(aging)
    await client.sendEvent({ body: 0 }, { partitionId: '0' })
    const { events, notices } = read(aging, { follow: true })
    await events.next()
    const next = events.next()
    aging.replaceSharedAccessKey('root', 'another-key')
    ahead = 2 * 3_600_000
    // A claim is looked at when there is something to hand out; the producer has one by its own password.
    aging.faults.destroyConnections()
    await expect(next).rejects.toMatchObject({ code: 'unauthorized' })
    expect(notices).toHaveLength(1)
  })
})
