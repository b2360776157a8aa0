import rhea, { type Connection, type Message } from 'rhea'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LocalHub, startLocalHub } from '../../../infra/local-hub/index.js'
import { connect, openReceiver, openSender, request, sendBatch, signature } from './raw-client.js'

// What the official Python SDK's own AMQP stack does differently from rhea, read from its sources: it looks fields up by
// index without asking for the list's length, sends what it has as bytes as binary, addresses links by URL, puts one token
// for the whole event hub, and sends requests without a reply-to.

let hub: LocalHub
let connection: Connection
const received: Buffer[] = []

beforeAll(async () => {
  hub = await startLocalHub({ sharedAccessKeys: { root: 'secret' } })
  connection = await connect(hub)
  connection.socket.on('data', (chunk: Buffer) => received.push(chunk))
})
afterAll(() => hub.close())

interface Performative {
  readonly code: number
  readonly fieldCount: number
}

/** An encoded message of properties and application properties alone. */
function rheaMessage(applicationProperties: Record<string, string>, messageId: string): Buffer {
  const whole = rhea.message.encode({
    message_id: messageId,
    application_properties: applicationProperties,
    body: null,
  })
  // rhea writes a body of null: descriptor, ulong 0x77, null.
  expect(whole.subarray(-4)).toEqual(Buffer.from([0x00, 0x53, 0x77, 0x40]))
  return whole.subarray(0, -4)
}

/** The performatives in what the hub has sent. Only the frames' outer shape is read, by this test's own means. */
function performatives(): Performative[] {
  const bytes = Buffer.concat(received)
  const found: Performative[] = []
  for (let offset = 0; offset < bytes.length; offset += bytes.readUInt32BE(offset)) {
    const body = bytes.subarray(offset + 8, offset + bytes.readUInt32BE(offset))
    if (body.length === 0) continue
    // A described list whose descriptor is a small ulong: the only form that the Python SDK reads.
    expect(body.subarray(0, 2)).toEqual(Buffer.from([0, 0x53]))
    expect([0xc0, 0xd0]).toContain(body[3])
    found.push({ code: body.readUInt8(2), fieldCount: body[3] === 0xc0 ? body.readUInt8(5) : body.readUInt32BE(8) })
  }
  return found
}

describe('a client like the Python SDK', () => {
  const host = 'amqps://127.0.0.1'

  test('puts one token for the event hub, as binary text, and finds its reply without a reply-to', async () => {
    const audience = 'sb://127.0.0.1/events'
    const reply = await request(connection, '$cbs', {
      body: signature(audience, { key: 'secret', keyName: 'root' }),
      reply_to: undefined as unknown as string,
      application_properties: {
        operation: Buffer.from('put-token'),
        type: Buffer.from('servicebus.windows.net:sastoken'),
        name: Buffer.from(audience),
        expiration: new Date(),
      },
    })
    expect(reply).toMatchObject({ status: 202, description: 'Accepted' })
  })

  test('reads the properties with binary names', async () => {
    const reply = await request(connection, '$management', {
      body: null,
      application_properties: {
        operation: Buffer.from('READ'),
        type: Buffer.from('com.microsoft:partition'),
        name: 'events',
        partition: '1',
      },
    })
    expect(reply).toMatchObject({ status: 200, body: { partition: '1' } })
  })

  test('asks for properties in a message that has no body at all', async () => {
    const withoutBody = rheaMessage({ operation: 'READ', type: 'com.microsoft:eventhub', name: 'events' }, 'the-id')
    const receiver = connection.open_receiver({ source: { address: '$management' }, target: { address: 'there' } })
    const sender = connection.open_sender('$management')
    const reply = new Promise<Message | undefined>((resolve) =>
      receiver.once('message', ({ message }) => resolve(message)),
    )
    await new Promise((resolve) => sender.once('sendable', resolve))
    sender.send(withoutBody, undefined, 0)
    expect(await reply).toMatchObject({ correlation_id: 'the-id', application_properties: { 'status-code': 200 } })
    sender.close()
    receiver.close()
  })

  test('is told link properties whenever it attaches: it merges them into its own', async () => {
    const sender = await openSender(connection, `${host}/events/Partitions/2`)
    // rhea hands out what came: undefined for null.
    expect((sender as unknown as { remote: { attach: { properties?: object } } }).remote.attach.properties).toEqual({})
    sender.close()
  })

  test('sends and receives by URL, under the claim for the event hub', async () => {
    const sender = await openSender(connection, `${host}/events/Partitions/1`)
    expect(await sendBatch(sender, ['a', 'b'])).toBe('accepted')
    const filter = rhea.types.wrap_described("amqp.annotation.x-opt-offset > '-1'", 'apache.org:selector-filter:string')
    const { messages, count } = await openReceiver(connection, {
      source: {
        address: `${host}/events/ConsumerGroups/$Default/Partitions/1`,
        filter: { 'apache.org:selector-filter:string': filter },
      },
    })
    await count(2)
    expect(messages).toHaveLength(2)
  })

  test('is sent every field of every performative', async () => {
    const fresh = await connect(hub)
    const opening = new Promise<void>((resolve) => fresh.once('session_open', () => resolve()))
    fresh.socket.on('data', (chunk: Buffer) => received.push(chunk))
    await expect(openSender(fresh, 'elsewhere')).rejects.toMatchObject({ condition: 'amqp:unauthorized-access' })
    await opening
    const closed = new Promise<void>((resolve) => fresh.once('disconnected', () => resolve()))
    hub.faults.forceCloseConnections()
    await closed
    const counts = new Map<number, Set<number>>()
    for (const { code, fieldCount } of performatives())
      counts.set(code, (counts.get(code) ?? new Set()).add(fieldCount))
    expect([...counts].sort(([a], [b]) => a - b)).toEqual([
      [0x11, new Set([8])],
      [0x12, new Set([14])],
      [0x13, new Set([11])],
      [0x14, new Set([11])],
      [0x15, new Set([6])],
      [0x16, new Set([3])],
      [0x18, new Set([1])],
    ])
  })
})
