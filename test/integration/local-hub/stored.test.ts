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
