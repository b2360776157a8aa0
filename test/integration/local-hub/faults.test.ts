import { EventHubProducerClient } from '@azure/event-hubs'
import type { Connection, Sender } from 'rhea'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type LocalHub, startLocalHub } from '../../../infra/local-hub/index.js'
import { connect, openSender, sendBatch } from './raw-client.js'

let hub: LocalHub
let connection: Connection
let sender: Sender
const plain = { username: 'root', password: 'secret' }

beforeEach(async () => {
  hub = await startLocalHub({
    sharedAccessKeys: { root: 'secret' },
    eventHubs: { events: {}, others: {} },
    linkCredit: 2,
  })
  connection = await connect(hub, plain)
  sender = await openSender(connection, 'events/Partitions/0')
})
afterEach(() => hub.close())

const stored = (): string[] => hub.events('events').map(({ body }) => String(body))
const within = <T>(promise: Promise<T>, milliseconds: number): Promise<T | 'nothing'> =>
  Promise.race([promise, new Promise<'nothing'>((resolve) => setTimeout(resolve, milliseconds, 'nothing'))])

describe('faults of the next sends', () => {
  test('rejectNext: as often as told, where told, and nothing is stored', async () => {
    hub.faults.rejectNext({ condition: 'amqp:internal-error', description: 'broken', count: 2, partitionId: '0' })
    const elsewhere = await openSender(connection, 'events/Partitions/1')
    expect(await sendBatch(elsewhere, ['elsewhere'])).toBe('accepted')
    expect(await sendBatch(sender, ['a'])).toBe('amqp:internal-error')
    expect(await sendBatch(sender, ['b'])).toBe('amqp:internal-error')
    expect(await sendBatch(sender, ['c'])).toBe('accepted')
    hub.faults.rejectNext({ condition: 'amqp:internal-error', eventHubName: 'Others' })
    expect(await sendBatch(sender, ['d'])).toBe('accepted')
    expect(stored()).toEqual(['c', 'd', 'elsewhere'])
  })

  test('detachNext: before storing, or after', async () => {
    hub.faults.detachNext({ condition: 'amqp:link:detach-forced' })
    expect(await sendBatch(sender, ['lost'])).toBe('detached: amqp:link:detach-forced')
    hub.faults.detachNext({ condition: 'com.microsoft:timeout', afterStoring: true })
    const second = await openSender(connection, 'events/Partitions/0')
    expect(await sendBatch(second, ['kept'])).toBe('detached: com.microsoft:timeout')
    expect(stored()).toEqual(['kept'])
  })

  test('dropAcknowledgements: stored, and never said', async () => {
    hub.faults.dropAcknowledgements(1)
    const silent = sendBatch(sender, ['unknown'])
    expect(await sendBatch(sender, ['known'])).toBe('accepted')
    expect(await within(silent, 30)).toBe('nothing')
    expect(stored()).toEqual(['unknown', 'known'])
  })

  test('throttle: every send is refused as busy until it is lifted', async () => {
    hub.faults.throttle = {}
    expect(await sendBatch(sender, ['a'])).toBe('com.microsoft:server-busy')
    hub.faults.throttle = undefined
    expect(await sendBatch(sender, ['b'])).toBe('accepted')
  })

  test('withholdCredit: a producer uses up what it has and gets no more until it ends', async () => {
    hub.faults.withholdCredit = true
    expect(await sendBatch(sender, ['a'])).toBe('accepted')
    expect(await sendBatch(sender, ['b'])).toBe('accepted')
    expect(sender.sendable()).toBe(false)
    const again = new Promise<void>((resolve) => sender.once('sendable', () => resolve()))
    hub.faults.withholdCredit = false
    await again
    expect(await sendBatch(sender, ['c'])).toBe('accepted')
  })
})

describe('faults of connections', () => {
  test('latency: one round trip takes as long as told, and order is kept', async () => {
    hub.faults.latencyInMs = 150
    const started = performance.now()
    const settled: string[] = []
    const first = sendBatch(sender, ['a']).then(() => settled.push('a'))
    const second = sendBatch(sender, ['b']).then(() => settled.push('b'))
    await Promise.all([first, second])
    const took = performance.now() - started
    expect(took).toBeGreaterThanOrEqual(149)
    expect(took).toBeLessThan(290)
    expect(settled).toEqual(['a', 'b'])
    expect(() => {
      hub.faults.latencyInMs = -1
    }).toThrow(RangeError)
  })

  test('silence: bytes are taken and nothing is answered, for good; connections made afterwards work', async () => {
    hub.faults.silence = true
    const silent = sendBatch(sender, ['a'])
    expect(await within(connect(hub, plain), 50)).toBe('nothing')
    hub.faults.silence = false
    expect(await within(silent, 30)).toBe('nothing')
    const fresh = await connect(hub, plain)
    expect(await sendBatch(await openSender(fresh, 'events'), ['b'])).toBe('accepted')
    expect(stored()).toEqual(['b'])
  })

  test('silenceOpenConnections: new ones work all the while', async () => {
    hub.faults.silenceOpenConnections()
    const silent = sendBatch(sender, ['a'])
    const fresh = await connect(hub, plain)
    expect(await sendBatch(await openSender(fresh, 'events'), ['b'])).toBe('accepted')
    expect(await within(silent, 10)).toBe('nothing')
  })

  test('forceCloseConnections: an error, the end, and nothing left behind', async () => {
    const error = new Promise<unknown>((resolve) => connection.once('connection_error', ({ error }) => resolve(error)))
    const gone = new Promise((resolve) => connection.once('disconnected', resolve))
    hub.faults.forceCloseConnections()
    expect(await error).toMatchObject({ condition: 'amqp:connection:forced' })
    await gone
    await expect.poll(() => hub.connections).toEqual([])
  })

  test('destroyConnections: the end without a word', async () => {
    const gone = new Promise((resolve) => connection.once('disconnected', resolve))
    hub.faults.destroyConnections()
    await gone
    expect(hub.connections).toEqual([])
  })

  test('detachLinks: at one address, or all of them but the requests to nodes', async () => {
    const other = await openSender(connection, 'others')
    const lost = (link: Sender): Promise<unknown> =>
      new Promise((resolve) => link.once('sender_error', () => resolve(link.error)))
    const [first, second] = [lost(other), lost(sender)]
    hub.faults.detachLinks({ address: 'others', condition: 'com.microsoft:entity-disabled' })
    expect(await first).toMatchObject({ condition: 'com.microsoft:entity-disabled' })
    expect(await sendBatch(sender, ['still here'])).toBe('accepted')
    hub.faults.detachLinks()
    expect(await second).toMatchObject({ condition: 'amqp:link:detach-forced' })
  })

  test('refuseConnections: open ones live on, new ones are dropped until it is lifted', async () => {
    hub.faults.refuseConnections = true
    await expect(connect(hub, plain)).rejects.toBeDefined()
    expect(await sendBatch(sender, ['a'])).toBe('accepted')
    hub.faults.reset()
    await connect(hub, plain)
  })

  test('an idle connection is closed after its time, with the condition that the service gives', async () => {
    await using impatient = await startLocalHub({ sharedAccessKeys: { root: 'secret' }, idleTimeoutInMs: 60 })
    // This client does not keep the connection alive as the hub's open asks it to.
    const idle = await connect(impatient, plain)
    Object.assign(idle, { _write_frame: () => {} })
    const error = await new Promise<unknown>((resolve) => idle.once('connection_error', ({ error }) => resolve(error)))
    expect(error).toMatchObject({ condition: 'amqp:connection:forced' })
  })

  test('a peer that must be kept alive hears from the hub in time', async () => {
    const demanding = await connect(hub, { ...plain, idle_time_out: 200 })
    const heard = new Promise<Buffer>((resolve) => demanding.socket.once('data', resolve))
    expect(await heard).toEqual(Buffer.from([0, 0, 0, 8, 2, 0, 0, 0]))
  })
})

describe('what a test can see', () => {
  test('connections show who they are, their links and their claims; closing the hub ends them all', async () => {
    const producer = new EventHubProducerClient(hub.connectionStringFor('others'), { retryOptions: { maxRetries: 0 } })
    await producer.sendBatch([{ body: 1 }], { partitionId: '2' })
    expect(hub.connections).toMatchObject([
      {
        containerId: connection.container.id,
        saslMechanism: 'PLAIN',
        links: [{ address: 'events/Partitions/0', role: 'incoming' }],
        claims: [{ path: '', expiresAt: Number.POSITIVE_INFINITY }],
      },
      {
        saslMechanism: 'ANONYMOUS',
        links: [{ address: '$cbs' }, { address: '$cbs' }, { address: 'others/Partitions/2' }],
        claims: [{ path: 'others/partitions/2', rights: ['send', 'listen', 'manage'] }],
      },
    ])
    const gone = new Promise((resolve) => connection.once('disconnected', resolve))
    await hub.close()
    await gone
    expect(hub.connections).toEqual([])
    await expect(connect(hub, plain)).rejects.toBeDefined()
    // Again is harmless.
    await hub.close()
  })
})
