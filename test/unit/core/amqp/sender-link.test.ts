import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { SenderLink, type SenderLinkOptions } from '../../../../core/amqp/sender-link.js'
import { EventHubError } from '../../../../core/errors.js'
import { settlePromises, VirtualClock } from '../../../support/virtual-clock.js'

/** As much of rhea's sender as an attach needs. */
class FakeSender extends EventEmitter {
  isRemoteOpen = false
  closed = 0
  readonly target = { address: 'hub/Partitions/0' }
  readonly delivery_count = 0
  credit = 0
  sent = 0
  connection: unknown

  is_remote_open(): boolean {
    return this.isRemoteOpen
  }

  /** The answer to the attach. */
  answer(): void {
    this.isRemoteOpen = true
    this.emit('sender_open')
  }

  close(): void {
    this.closed++
  }

  sendable(): boolean {
    return true
  }

  send(): object {
    this.sent++
    return {}
  }
}

async function attaching() {
  const clock = new VirtualClock()
  const sender = new FakeSender()
  const options: Partial<SenderLinkOptions> = {
    address: 'hub/Partitions/0',
    session: { open_sender: () => sender } as never,
    clock,
    claimed: Promise.resolve(),
    attachTimeoutInMs: 1000,
    mayTransfer: () => true,
    window: { hasRoomFor: () => true, handedOver: () => {} } as never,
    onWaiting: () => {},
    onAbandoned: () => {},
    onOpen: () => {},
    onClosed: () => {},
    onIdle: () => {},
  }
  const link = new SenderLink(options as SenderLinkOptions)
  await settlePromises()
  return { clock, sender, link }
}

// Found by test/simulation, seed 526: rhea attaches anew when the answer comes after the detach, without an end.
test('a link that does not open in time says goodbye only once its attach is answered', async () => {
  const { clock, sender, link } = await attaching()
  await clock.advance(1000)
  await expect(link.opened).rejects.toMatchObject({ code: 'timeout' })
  expect(sender.closed).toBe(0)
  sender.answer()
  expect(sender.closed).toBe(1)
})

test('a link that is open says goodbye at once', async () => {
  const { sender, link } = await attaching()
  sender.answer()
  await link.opened
  link.detach(new EventHubError('The link is attached anew.', { code: 'connection-lost' }))
  expect(sender.closed).toBe(1)
})

// Found by test/simulation, seed 1013730: a flow and a detach that arrive together are read in one turn.
test('what was handed over before the service closed the link is written before its outcome is told', async () => {
  const { sender, link } = await attaching()
  const order: string[] = []
  sender.credit = 10
  sender.connection = { _process: () => order.push('written') }
  sender.answer()
  await link.opened
  const limits = { deadline: Number.POSITIVE_INFINITY }
  const sends = ['a', 'b'].map((text) =>
    link.send(Buffer.from(text), limits).catch(({ outcome }) => order.push(`${text} is ${outcome}`)),
  )
  expect(sender.sent).toBe(2)
  sender.emit('sender_close')
  await Promise.all(sends)
  expect(order).toEqual(['written', 'a is unknown', 'b is unknown'])
})
