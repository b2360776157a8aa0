import type { Connection, Sender } from 'rhea'
import rhea, { type Message } from 'rhea'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LocalHub, startLocalHub } from '../../../infra/local-hub/index.js'
import { connect, openReceiver, openSender, outcome, request, sendBatch, sendBytes } from './raw-client.js'

let hub: LocalHub
let connection: Connection
const key = 'plain-key'

beforeAll(async () => {
  hub = await startLocalHub({
    sharedAccessKeys: { root: key },
    eventHubs: { events: {}, bytes: { partitionCount: 1 }, order: { partitionCount: 1 }, large: { partitionCount: 1 } },
    maxMessageSizeInBytes: 50_000,
  })
  connection = await connect(hub, { username: 'root', password: key })
})
afterAll(() => hub.close())

const { types, message } = rhea
const from = (eventHub: string, filter?: string, partitionId = '0', properties = {}) => ({
  properties,
  credit_window: 100,
  source: {
    address: `${eventHub}/ConsumerGroups/$Default/Partitions/${partitionId}`,
    ...(filter && { filter: { 'apache.org:selector-filter:string': types.wrap_described(filter, 0x468c00000004) } }),
  },
})

/** The bytes of a data body, as text. */
function contentOf(received: Message | undefined): string {
  return String((received?.body as { content: Buffer } | undefined)?.content)
}

describe('what a sender wrote', () => {
  // Types that a decoder to plain values and back would lose.
  const annotations = types.wrap_map({})
  annotations.value = [
    types.wrap_symbol('x-custom'),
    types.wrap_short(-5),
    types.wrap_symbol('x-opt-offset'),
    types.wrap_string('forged'),
    types.wrap_symbol('x-opt-partition-key'),
    types.wrap_string('klucz'),
  ]
  const section = (code: number, value: unknown): Buffer => {
    const writer = new (
      types as unknown as { Writer: new () => { write(o: unknown): void; toBuffer(): Buffer } }
    ).Writer()
    writer.write(types.described(types.wrap_ulong(code), value))
    return Buffer.from(writer.toBuffer())
  }
  const properties = types.wrap_map({})
  properties.value = [
    types.wrap_string('ubyte'),
    types.wrap_ubyte(3),
    types.wrap_string('long'),
    types.wrap_long(3),
    types.wrap_string('float'),
    types.wrap_float(1.5),
    types.wrap_string('char'),
    types.wrap_char(0x41),
    types.wrap_string('uuid'),
    types.wrap_uuid(Buffer.from('00112233445566778899aabbccddeeff', 'hex')),
    types.wrap_string('list'),
    types.wrap_list([types.wrap_byte(1), types.wrap_symbol('s')]),
  ]
  const parts = {
    header: section(0x70, types.wrap_list([true, types.wrap_ubyte(7)])),
    deliveryAnnotations: section(0x71, types.wrap_map({ hop: 1 })),
    messageAnnotations: section(0x72, annotations),
    properties: section(0x73, types.wrap_list([types.wrap_ulong(300)])),
    applicationProperties: section(0x74, properties),
    first: section(0x75, types.wrap_binary(Buffer.from('one'))),
    second: section(0x75, types.wrap_binary(Buffer.from('two'))),
    footer: section(0x78, types.wrap_map({ sum: 1 })),
  }
  const original = Buffer.concat(Object.values(parts))

  test('reaches the reader byte for byte, but for the annotations that the service sets', async () => {
    const sender = await openSender(connection, 'bytes/Partitions/0')
    const envelope = message.encode({ body: message.data_sections([original]) })
    expect(await sendBytes(sender, envelope)).toBe('accepted')
    const [stored] = hub.events('bytes')
    expect(stored?.encoded).toEqual(original)
    expect(stored).toMatchObject({
      partitionKey: 'klucz',
      body: Buffer.from('onetwo'),
      bodyType: 'data',
      header: { durable: true, priority: 7 },
      properties: { 'message-id': 300 },
      applicationProperties: { ubyte: 3, long: 3, float: 1.5, char: 'A', uuid: '00112233-4455-6677-8899-aabbccddeeff' },
      messageAnnotations: { 'x-custom': -5 },
    })

    const frames: Buffer[] = []
    const raw = await connect(hub, { username: 'root', password: key })
    raw.socket.on('data', (chunk: Buffer) => frames.push(chunk))
    const { count } = await openReceiver(raw, from('bytes'))
    await count(1)
    const received = Buffer.concat(frames)
    for (const [name, part] of Object.entries(parts)) {
      if (name !== 'messageAnnotations') expect(received.includes(part), name).toBe(true)
    }
    // Kept: the custom one, a short, and the key. Replaced: the forged offset. Added: a long, a string and a timestamp.
    expect(received.includes(Buffer.from('x-custom\x61\xff\xfb', 'latin1'))).toBe(true)
    expect(received.includes('klucz')).toBe(true)
    expect(received.includes('forged')).toBe(false)
    const long = Buffer.alloc(8)
    expect(received.includes(Buffer.concat([Buffer.from('\xa3\x15x-opt-sequence-number\x81', 'latin1'), long]))).toBe(
      true,
    )
    expect(received.includes(Buffer.from('\xa3\x0cx-opt-offset\xa1\x010', 'latin1'))).toBe(true)
    expect(received.includes(Buffer.from('\xa3\x13x-opt-enqueued-time\x83', 'latin1'))).toBe(true)
  })

  test('as a plain message, with an AMQP value for its body, is stored and read as such', async () => {
    const sender = await openSender(connection, 'events')
    const sent: Message = {
      body: { nested: ['a', 1, null] },
      subject: 's',
      message_annotations: { 'x-opt-partition-key': 'abc' },
    }
    expect(await outcome(sender.send(sent))).toBe('accepted')
    expect(hub.events('events')).toMatchObject([
      {
        partitionId: '1',
        partitionKey: 'abc',
        bodyType: 'value',
        value: { nested: ['a', 1, null] },
        properties: { subject: 's' },
      },
    ])
    const { messages, count } = await openReceiver(connection, from('events', undefined, '1'))
    await count(1)
    expect(messages[0]).toMatchObject({ body: { nested: ['a', 1, null] }, subject: 's' })
  })

  test('arrives whole when it is larger than a frame, in both directions', async () => {
    const small = await connect(hub, { username: 'root', password: key, max_frame_size: 512 })
    const body = 'x'.repeat(40_000)
    expect(await sendBatch(await openSender(small, 'large/Partitions/0'), [body])).toBe('accepted')
    const { messages, count } = await openReceiver(small, from('large'))
    await count(1)
    expect(contentOf(messages[0])).toBe(body)
  })
})

describe('what is refused', () => {
  const data = (body: string | Buffer): Buffer => message.encode({ body: message.data_section(Buffer.from(body)) })
  const batchOf = (...events: Buffer[]): Buffer => message.encode({ body: message.data_sections(events) })
  let sender: Sender
  beforeAll(async () => {
    sender = await openSender(connection, 'order/Partitions/0')
  })

  test.each([
    ['an empty batch', batchOf(), 'amqp:decode-error'],
    ['no bytes at all', Buffer.alloc(0), 'amqp:decode-error'],
    ['a batch with an empty event', batchOf(data('good'), Buffer.alloc(0)), 'amqp:decode-error'],
    ['a batch with half an event', batchOf(data('good'), data('cut off').subarray(0, 7)), 'amqp:decode-error'],
    ['a batch whose body is a value', message.encode({ body: 'text' }), 'amqp:decode-error'],
    ['an event without a body', batchOf(Buffer.from([0, 0x53, 0x70, 0x45])), 'amqp:decode-error'],
    [
      'sections out of order',
      batchOf(Buffer.concat([data('a'), Buffer.from([0, 0x53, 0x70, 0x45])])),
      'amqp:decode-error',
    ],
    [
      'a list with more items than bytes',
      batchOf(Buffer.from([0, 0x53, 0x76, 0xd0, 0, 0, 0, 4, 255, 255, 255, 255])),
      'amqp:decode-error',
    ],
    [
      'an array of four billion nulls',
      batchOf(Buffer.from([0, 0x53, 0x77, 0xf0, 0, 0, 0, 5, 255, 255, 255, 255, 0x40])),
      'amqp:decode-error',
    ],
    [
      'a thousand lists within each other',
      batchOf(Buffer.concat([Buffer.from([0, 0x53, 0x77]), Buffer.alloc(2000, Buffer.from([0xc0, 0xff]))])),
      'amqp:decode-error',
    ],
    ['too many bytes', batchOf(data('x'.repeat(60_000))), 'amqp:link:message-size-exceeded'],
    ['far too many bytes', batchOf(data('x'.repeat(5_000_000))), 'amqp:link:message-size-exceeded'],
    [
      'a key that is no string',
      message.encode({ body: message.data_sections([data('a')]), message_annotations: { 'x-opt-partition-key': 1 } }),
      'accepted',
    ],
  ])('%s', async (_, bytes, expected) => {
    const before = hub.events('order').length
    const target = expected === 'accepted' ? await openSender(connection, 'order') : sender
    const result = await sendBytes(target, bytes)
    expect(result).toBe(expected === 'accepted' ? 'com.microsoft:argument-error' : expected)
    expect(hub.events('order')).toHaveLength(before)
  })

  test('an unknown format; and the link takes good messages all the while', async () => {
    expect(await sendBytes(sender, data('a'), 7)).toBe('amqp:decode-error')
    expect(await sendBytes(sender, batchOf(data('good')))).toBe('accepted')
    expect(hub.events('order').map(({ body }) => String(body))).toEqual(['good'])
  })

  test('links to what does not exist', async () => {
    const cases: [string, string][] = [
      ['nowhere', 'amqp:not-found'],
      ['nowhere/Partitions/0', 'amqp:not-found'],
      ['events/Partitions/4', 'com.microsoft:argument-out-of-range'],
      ['events/Partitions/-1', 'com.microsoft:argument-out-of-range'],
      ['events/Elsewhere/0', 'amqp:not-found'],
      ['events/ConsumerGroups/$Default/Partitions/0', 'amqp:not-allowed'],
    ]
    for (const [address, condition] of cases) {
      await expect(openSender(connection, address), address).rejects.toMatchObject({ condition })
    }
    await expect(openReceiver(connection, { source: 'events' })).rejects.toMatchObject({
      condition: 'amqp:not-allowed',
    })
    const wrongFilter = from('events', 'amqp.annotation.x-opt-offset = 7')
    await expect(openReceiver(connection, wrongFilter)).rejects.toMatchObject({
      condition: 'com.microsoft:argument-error',
    })
  })
})

describe('$management', () => {
  test('answers with the types that clients expect', async () => {
    const read = (type: string, more = {}) =>
      request(connection, '$management', {
        body: null,
        application_properties: { operation: 'READ', name: 'Events', type: `com.microsoft:${type}`, ...more },
      })
    expect(await read('eventhub')).toMatchObject({
      status: 200,
      body: {
        name: 'events',
        created_at: expect.any(Date),
        partition_count: 4,
        partition_ids: ['0', '1', '2', '3'],
        georeplication_factor: 1,
      },
    })
    expect(await read('partition', { partition: '3' })).toMatchObject({
      status: 200,
      body: {
        name: 'events',
        partition: '3',
        begin_sequence_number: 0,
        last_enqueued_sequence_number: -1,
        last_enqueued_offset: '-1',
        last_enqueued_time_utc: expect.any(Date),
        is_partition_empty: true,
      },
    })
    expect(await read('partition', { partition: '4' })).toMatchObject({ status: 404 })
    expect(await read('eventhub', { name: 'none' })).toMatchObject({ status: 404, condition: 'amqp:not-found' })
    expect(await read('queue')).toMatchObject({ status: 400 })
  })
})

describe('a reader', () => {
  test('gets no more than its credit, keeps its place, and follows live', async () => {
    const sender = await openSender(connection, 'events/Partitions/3')
    await sendBatch(sender, ['a', 'b', 'c'])
    const { receiver, messages, count } = await openReceiver(connection, {
      ...from('events', undefined, '3'),
      credit_window: 0,
    })
    receiver.add_credit(2)
    await count(2)
    // A reply on the same connection comes after whatever the hub had to say before.
    await request(connection, '$management', { body: null })
    expect(messages).toHaveLength(2)
    receiver.add_credit(2)
    await count(3)
    await sendBatch(sender, ['d', 'e'])
    await count(4)
    expect(messages.map(({ body }) => contentOf({ body }))).toEqual(['a', 'b', 'c', 'd'])
  })

  test('that falls behind what is kept goes on with the first event that is', async () => {
    await using forgetful = await startLocalHub({
      sharedAccessKeys: { root: key },
      retention: { maxEventsPerPartition: 2 },
    })
    const own = await connect(forgetful, { username: 'root', password: key })
    const { receiver, messages, count } = await openReceiver(own, { ...from('events'), credit_window: 0 })
    const sender = await openSender(own, 'events/Partitions/0')
    for (const body of ['a', 'b', 'c', 'd']) expect(await sendBatch(sender, [body])).toBe('accepted')
    receiver.add_credit(10)
    await count(2)
    expect(messages.map(contentOf)).toEqual(['c', 'd'])
  })

  test('that drains gets its credit back', async () => {
    const { receiver } = await openReceiver(connection, { ...from('events', undefined, '2'), credit_window: 0 })
    receiver.add_credit(5)
    const drained = new Promise<void>((resolve) => receiver.once('receiver_drained', () => resolve()))
    receiver.drain_credit()
    await drained
    expect((receiver as unknown as { credit: number }).credit).toBe(0)
  })

  test('with an epoch disconnects those with a lower or the same one, and keeps lower ones out', async () => {
    const epoch = (value: number) => from('events', undefined, '0', { 'com.microsoft:epoch': types.wrap_long(value) })
    const stolen = async (receiver: { once(name: string, action: () => void): unknown; error?: unknown }) => {
      await new Promise<void>((resolve) => receiver.once('receiver_error', () => resolve()))
      return receiver.error
    }
    const plain = await openReceiver(connection, from('events'))
    const plainGone = stolen(plain.receiver)
    const first = await openReceiver(connection, epoch(1))
    expect(await plainGone).toMatchObject({ condition: 'amqp:link:stolen' })
    await expect(openReceiver(connection, epoch(0))).rejects.toMatchObject({ condition: 'amqp:link:stolen' })
    await expect(openReceiver(connection, from('events'))).rejects.toMatchObject({ condition: 'amqp:link:stolen' })
    const firstGone = stolen(first.receiver)
    const second = await openReceiver(connection, epoch(1))
    expect(await firstGone).toMatchObject({ condition: 'amqp:link:stolen' })
    second.receiver.close()
    await new Promise((resolve) => second.receiver.once('receiver_close', resolve))
    await openReceiver(connection, from('events'))
  })
})
