import rhea, { type Connection, type Sender } from 'rhea'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type LocalHub, startLocalHub } from '../../../infra/local-hub/index.js'
import { connect, openSender, sendBytes } from './raw-client.js'

const { types, message } = rhea
let hub: LocalHub
let connection: Connection

beforeEach(async () => {
  hub = await startLocalHub({ sharedAccessKeys: { root: 'secret' } })
  connection = await connect(hub, { username: 'root', password: 'secret' })
})
afterEach(() => hub.close())

interface Claim {
  readonly id?: number
  readonly epoch?: number
  readonly sequenceNumber?: number
}

function openProducer(claim: Claim = {}, address = 'events/Partitions/0'): Promise<Sender> {
  const { id, epoch, sequenceNumber } = claim
  return openSender(connection, {
    target: { address },
    desired_capabilities: 'com.microsoft:idempotent-producer',
    properties: {
      'com.microsoft:producer-id': id === undefined ? null : types.wrap_long(id),
      'com.microsoft:producer-epoch': epoch === undefined ? null : types.wrap_short(epoch),
      'com.microsoft:producer-sequence-number': sequenceNumber === undefined ? null : types.wrap_int(sequenceNumber),
    },
  })
}

const told = (sender: Sender): Record<string, unknown> => ({
  id: sender.properties['com.microsoft:producer-id'],
  epoch: sender.properties['com.microsoft:producer-epoch'],
  sequenceNumber: sender.properties['com.microsoft:producer-sequence-number'],
})

/** Sends a batch whose events carry these sequence numbers; the body of each is its number. */
function send(
  sender: Sender,
  sequenceNumbers: readonly number[],
  stamp: { id?: unknown; epoch?: number } = {},
): Promise<string> {
  const { id = told(sender).id, epoch = Number(told(sender).epoch) } = stamp
  const events = sequenceNumbers.map((sequenceNumber) =>
    message.encode({
      body: message.data_section(Buffer.from(String(sequenceNumber))),
      message_annotations: {
        'com.microsoft:producer-id': types.wrap_long(Number(id)),
        'com.microsoft:producer-epoch': types.wrap_short(epoch),
        'com.microsoft:producer-sequence-number': types.wrap_int(sequenceNumber),
      },
    }),
  )
  return sendBytes(sender, message.encode({ body: message.data_sections(events) }))
}

const stored = (): string[] => hub.events('events', '0').map(({ body }) => String(body))

describe('an idempotent producer', () => {
  test('is told its id, epoch and number when it attaches, and again when it comes back', async () => {
    const first = await openProducer()
    expect(first.offered_capabilities).toEqual(['com.microsoft:idempotent-producer'])
    expect(told(first)).toEqual({ id: expect.any(Number), epoch: 0, sequenceNumber: 0 })
    expect(await send(first, [1, 2, 3])).toBe('accepted')
    const again = await openProducer({ id: Number(told(first).id), epoch: 0 })
    expect(told(again)).toEqual({ id: told(first).id, epoch: 0, sequenceNumber: 3 })
    const other = await openProducer()
    expect(told(other).id).not.toBe(told(first).id)
  })

  test('has its duplicates accepted and dropped, its gaps refused', async () => {
    const producer = await openProducer()
    expect(await send(producer, [1, 2])).toBe('accepted')
    expect(await send(producer, [1, 2])).toBe('accepted')
    expect(await send(producer, [2])).toBe('accepted')
    expect(await send(producer, [4])).toBe('com.microsoft:out-of-order-sequence')
    expect(await send(producer, [2, 3])).toBe('com.microsoft:out-of-order-sequence')
    expect(await send(producer, [3, 5])).toBe('com.microsoft:out-of-order-sequence')
    expect(await send(producer, [3, 4])).toBe('accepted')
    expect(stored()).toEqual(['1', '2', '3', '4'])
  })

  test('under a newer epoch takes over: the older one is refused from then on', async () => {
    const old = await openProducer({ id: 77, epoch: 1, sequenceNumber: 10 })
    expect(told(old)).toEqual({ id: 77, epoch: 1, sequenceNumber: 10 })
    expect(await send(old, [11])).toBe('accepted')
    const next = await openProducer({ id: 77, epoch: 2 })
    expect(told(next)).toEqual({ id: 77, epoch: 2, sequenceNumber: 11 })
    expect(await send(old, [12])).toBe('com.microsoft:producer-epoch-stolen')
    await expect(openProducer({ id: 77, epoch: 1 })).rejects.toMatchObject({
      condition: 'com.microsoft:producer-epoch-stolen',
    })
    const reset = await openProducer({ id: 77, epoch: 3, sequenceNumber: 100 })
    expect(await send(next, [12])).toBe('com.microsoft:producer-epoch-stolen')
    expect(await send(reset, [101])).toBe('accepted')
    expect(stored()).toEqual(['11', '101'])
  })

  test('must send to a partition and stamp every event as its own', async () => {
    await expect(openProducer({}, 'events')).rejects.toMatchObject({ condition: 'amqp:not-allowed' })
    const producer = await openProducer({ id: 5 })
    expect(await send(producer, [1], { id: 6 })).toBe('com.microsoft:argument-error')
    expect(await send(producer, [1], { epoch: 1 })).toBe('com.microsoft:argument-error')
    const bare = message.encode({
      body: message.data_sections([message.encode({ body: message.data_section(Buffer.from('x')) })]),
    })
    expect(await sendBytes(producer, bare)).toBe('com.microsoft:argument-error')
    expect(stored()).toEqual([])
  })

  test('counts on past the largest number', async () => {
    const producer = await openProducer({ id: 1, sequenceNumber: 0x7ffffffe })
    expect(await send(producer, [0x7fffffff, 0])).toBe('accepted')
    expect(await send(producer, [0x7fffffff, 0])).toBe('accepted')
    expect(await send(producer, [1])).toBe('accepted')
    expect(stored()).toEqual([String(0x7fffffff), '0', '1'])
  })

  test('a batch whose acknowledgement was lost is not stored twice', async () => {
    const producer = await openProducer()
    hub.faults.detachNext({ condition: 'amqp:link:detach-forced', afterStoring: true })
    const id = Number(told(producer).id)
    expect(await send(producer, [1, 2])).toBe('detached: amqp:link:detach-forced')
    const again = await openProducer({ id, epoch: 0, sequenceNumber: 0 })
    expect(told(again)).toMatchObject({ sequenceNumber: 2 })
    expect(await send(again, [1, 2])).toBe('accepted')
    expect(stored()).toEqual(['1', '2'])
  })
})
