import { expect, test } from 'vitest'
import { startLocalHub } from '../../../infra/local-hub/index.js'
import { connect, openSender, sendBatch } from './raw-client.js'

const plain = { username: 'root', password: 'secret' }

test('onStored is told of each batch before its sender is, and of nothing that is refused', async () => {
  const told: string[] = []
  await using hub = await startLocalHub({
    sharedAccessKeys: { root: 'secret' },
    onStored: (eventHubName, events) =>
      told.push(
        `${eventHubName}: ${events.map(({ partitionId, sequenceNumber, body }) => `${partitionId}/${sequenceNumber} ${body}`)}`,
      ),
  })
  const sender = await openSender(await connect(hub, plain), 'events/Partitions/1')
  expect([await sendBatch(sender, ['a', 'b']), ...told]).toEqual(['accepted', 'events: 1/0 a,1/1 b'])
  hub.faults.rejectNext({ condition: 'amqp:internal-error' })
  expect(await sendBatch(sender, ['c'])).toBe('amqp:internal-error')
  hub.faults.dropAcknowledgements()
  void sendBatch(sender, ['d'])
  await expect.poll(() => told.length).toBe(2)
  expect(await sendBatch(sender, ['e'])).toBe('accepted')
  expect(told.slice(1)).toEqual(['events: 1/2 d', 'events: 1/3 e'])
})

test('onBatch is told of each batch as it lies in store, and any event can be looked at', async () => {
  const told: string[] = []
  await using hub = await startLocalHub({
    sharedAccessKeys: { root: 'secret' },
    onBatch: ({ eventHubName, partitionId, events }) =>
      told.push(`${eventHubName}/${partitionId}: ${events.map(({ sequenceNumber }) => sequenceNumber)}`),
  })
  const sender = await openSender(await connect(hub, plain), 'events/Partitions/1')
  await sendBatch(sender, ['a', 'b'])
  await sendBatch(sender, ['c'])
  expect(told).toEqual(['events/1: 0,1', 'events/1: 2'])
  expect(hub.event('events', '1', 1)).toEqual(hub.events('events', '1')[1])
  expect(hub.event('EVENTS', '1', 3)).toBeUndefined()
  expect(() => hub.event('events', '7', 0)).toThrow(TypeError)
  expect(() => hub.event('others', '1', 0)).toThrow(TypeError)
  expect(hub.partitionIds('events')).toEqual(['0', '1', '2', '3'])
})

test('an event that the retention has dropped can be looked at no more, nor can one that never was', async () => {
  await using hub = await startLocalHub({
    sharedAccessKeys: { root: 'secret' },
    retention: { maxEventsPerPartition: 2 },
  })
  const sender = await openSender(await connect(hub, plain), 'events/Partitions/0')
  await sendBatch(sender, ['a', 'b', 'c', 'd'])
  expect([0, 1, 2, 3, 4, -1, 0.5].map((number) => hub.event('events', '0', number)?.body.toString())).toEqual([
    ...[undefined, undefined, 'c', 'd', undefined, undefined, undefined],
  ])
})

test('onHttpRequest sees every request first, also in silence, and leaves to REST what it does not answer', async () => {
  await using hub = await startLocalHub({
    onHttpRequest: (request, response) => {
      if (request.url !== '/mine') return false
      response.end('mine')
      return true
    },
  })
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${hub.httpPort}${path}`)
    return [response.status, await response.text()]
  }
  expect((await ask('/events/messages'))[0]).toBe(405)
  hub.faults.silence = true
  expect(await ask('/mine')).toEqual([200, 'mine'])
})
