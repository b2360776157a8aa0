import { EventEmitter } from 'node:events'
import type { Session } from 'rhea'
import { expect, test } from 'vitest'
import { RequestResponseLink } from '../../../../core/amqp/request-response-link.js'
import { EventHubError } from '../../../../core/errors.js'
import { settlePromises, VirtualClock } from '../../../support/virtual-clock.js'

function openLink(clock: VirtualClock): RequestResponseLink {
  const end = () =>
    Object.assign(new EventEmitter(), {
      is_open: () => true,
      credit: 10,
      delivery_count: 0,
      sendable: () => true,
      send: () => {},
    })
  const [sender, receiver] = [end(), end()]
  const session = { open_sender: () => sender, open_receiver: () => receiver } as unknown as Session
  const link = new RequestResponseLink(session, '$cbs', clock, { onWaiting: () => {}, onIdle: () => {} })
  sender.emit('sender_open')
  receiver.emit('receiver_open')
  return link
}

// Found by test/simulation, seed 496.
test('a request made in the turn in which the link fails is failed with it, and leaves no timer', async () => {
  const clock = new VirtualClock()
  const link = openLink(clock)
  await link.opened
  const limits = { deadline: clock.monotonicNow() + 1000 }
  const asked = link.request({ body: 'token', application_properties: {} }, limits)
  link.fail(new EventHubError('The connection was retired.', { code: 'connection-lost' }))
  await expect(Promise.race([asked, settlePromises().then(() => 'nothing')])).rejects.toMatchObject({
    code: 'connection-lost',
  })
  expect(clock.pendingTimers).toBe(0)
})
