import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type LocalHub, startLocalHub } from '../../../infra/local-hub/index.js'
import { connect, openSender, putToken, sendBatch } from './raw-client.js'

let hub: LocalHub
const log: string[] = []
const consoleSpies = ['log', 'warn', 'error', 'trace', 'info'] as const

beforeEach(async () => {
  hub = await startLocalHub({
    sasl: 'optional',
    sharedAccessKeys: { root: 'secret' },
    maxMessageSizeInBytes: 100_000,
    maxUnfinishedSizeInBytes: 300_000,
    logger: (line) => log.push(line),
  })
  for (const name of consoleSpies) vi.spyOn(console, name)
})
afterEach(async () => {
  for (const name of consoleSpies) expect(console[name], `console.${name}`).not.toHaveBeenCalled()
  vi.restoreAllMocks()
  // Whatever came before: the hub still serves.
  const connection = await connect(hub, { username: 'root', password: 'secret' })
  expect(await sendBatch(await openSender(connection, 'events'), ['alive'])).toBe('accepted')
  await hub.close()
})

async function openSocket(): Promise<Socket> {
  const socket = connectTcp(hub.amqpPort, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** Sends bytes and returns what came back by the time the hub had ended the connection. */
async function answerTo(bytes: Buffer): Promise<Buffer> {
  const socket = await openSocket()
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.write(bytes)
  await once(socket, 'close')
  return Buffer.concat(chunks)
}

const header = (protocolId: number): Buffer => Buffer.from([0x41, 0x4d, 0x51, 0x50, protocolId, 1, 0, 0])
const frame = (body: Buffer, channel = 0, type = 0): Buffer => {
  const head = Buffer.from([0, 0, 0, 0, 2, type, 0, channel])
  head.writeUInt32BE(8 + body.length)
  return Buffer.concat([head, body])
}
/** A performative with its fields already encoded. */
const performative = (code: number, ...fields: number[][]): Buffer => {
  const items = Buffer.from(fields.flat())
  const head = Buffer.from([0, 0x53, code, 0xd0, 0, 0, 0, 0, 0, 0, 0, 0])
  head.writeUInt32BE(items.length + 4, 4)
  head.writeUInt32BE(fields.length, 8)
  return Buffer.concat([head, items])
}
const open = frame(performative(0x10, [0xa1, 1, 0x78]))
const begin = frame(performative(0x11, [0x40], [0x43], [0x70, 0, 0, 8, 0], [0x70, 0, 0, 8, 0]))
const uint = (value: number): number[] => [0x70, value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]
const maxUint = uint(0xffffffff)

describe('bytes that are not AMQP', () => {
  test.each([
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['a single wrong byte', Buffer.from('B')],
    ['an older version', Buffer.from('AMQP\x00\x00\x09\x01', 'latin1')],
    ['an unknown layer', header(2)],
    ['noise', Buffer.alloc(100_000, 0xfe)],
  ])('%s: answered with a header that would be right, and the end', async (_, bytes) => {
    expect(await answerTo(bytes)).toEqual(header(0))
  })

  test.each([
    ['a frame that claims four gigabytes', Buffer.from([255, 255, 255, 255, 2, 0, 0, 0])],
    ['a frame just above the limit', Buffer.from([0, 1, 0, 1, 2, 0, 0, 0])],
    ['a frame smaller than its header', Buffer.from([0, 0, 0, 7, 2, 0, 0, 0])],
    ['a data offset beyond the frame', Buffer.from([0, 0, 0, 8, 200, 0, 0, 0])],
    ['a SASL frame in the AMQP layer', frame(performative(0x41, [0xa3, 1, 0x78]), 0, 1)],
    ['a frame without a performative that is one', frame(Buffer.from([0x40, 0x40]))],
    ['a begin before the open', begin],
    ['an open twice', Buffer.concat([open, open])],
    ['a session that was never begun', Buffer.concat([open, frame(performative(0x13), 7)])],
    ['a channel twice', Buffer.concat([open, begin, begin])],
    [
      'an open whose list lies about its size',
      frame(Buffer.from([0, 0x53, 0x10, 0xd0, 0, 0, 255, 255, 0, 0, 0, 1, 0x40])),
    ],
    [
      'an open with an array of four billion nulls',
      frame(performative(0x10, [0xa1, 1, 0x78], [0xf0, 0, 0, 0, 5, 255, 255, 255, 255, 0x40])),
    ],
  ])('%s: closed with an error', async (_, bytes) => {
    const answer = await answerTo(Buffer.concat([header(0), bytes]))
    // A close performative that carries an error.
    expect(answer.includes(Buffer.from([0, 0x53, 0x18]))).toBe(true)
    expect(answer.includes(Buffer.from([0, 0x53, 0x1d]))).toBe(true)
  })

  test('half a header, half a frame and then silence cost nothing but a socket', async () => {
    const sockets = await Promise.all(Array.from({ length: 50 }, openSocket))
    for (const [index, socket] of sockets.entries()) {
      socket.write(index % 2 ? Buffer.from('AMQ') : Buffer.concat([header(0), open.subarray(0, 9)]))
    }
    while (hub.connections.length < 50) await delay(5)
    for (const socket of sockets) socket.destroy()
    while (hub.connections.length > 0) await delay(5)
  })

  test('random bytes after a good start never do harm', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        fc.integer({ min: 0, max: 3 }),
        async (bytes, depth) => {
          const start = [header(0), open, begin].slice(0, depth)
          const socket = await openSocket()
          const body = depth === 3 ? frame(Buffer.from(bytes)) : Buffer.from(bytes)
          socket.end(Buffer.concat([...start, body]))
          socket.resume()
          await once(socket, 'close')
        },
      ),
      { numRuns: 150 },
    )
    while (hub.connections.length > 0) await delay(5)
  })
})

describe('frames that are well formed and mean harm', () => {
  // Everything in one go, without waiting for an answer: SASL PLAIN, open and begin.
  const response = Buffer.from('\0root\0secret')
  const saslInit = performative(0x41, [0xa3, 5, ...Buffer.from('PLAIN')], [0xa0, response.length, ...response])
  const session = Buffer.concat([header(3), frame(saslInit, 0, 1), header(0), open, begin])

  async function sessionError(...frames: Buffer[]): Promise<string> {
    const close = frame(performative(0x18))
    return (await answerTo(Buffer.concat([session, ...frames, close]))).toString('latin1')
  }

  test('a disposition over four billion deliveries is answered at once', async () => {
    const disposition = frame(performative(0x15, [0x41], [0x43], maxUint, [0x42], [0, 0x53, 0x24, 0x45]))
    const started = performance.now()
    await sessionError(disposition)
    expect(performance.now() - started).toBeLessThan(3000)
  })

  test('a receiver that settles in two steps is answered, a sender is not', async () => {
    const unsettled = (role: number): Buffer =>
      frame(performative(0x15, [role], [0x43], [0x43], [0x42], [0, 0x53, 0x24, 0x45]))
    const answer = '\x00\x53\x15'
    expect(await sessionError(unsettled(0x41))).toContain(answer)
    expect(await sessionError(unsettled(0x42))).not.toContain(answer)
  })

  test('a handle that is not attached, or out of range, ends the session', async () => {
    expect(await sessionError(frame(performative(0x14, uint(3), uint(0), [0xa0, 0])))).toContain(
      'amqp:session:unattached-handle',
    )
    const attach = performative(0x12, [0xa1, 1, 0x78], maxUint, [0x42])
    expect(await sessionError(frame(attach))).toContain('amqp:session:handle-in-use')
  })

  test('a link name of sixty kilobytes is refused', async () => {
    const name = [0xb1, 0, 0, 0xe0, 0, ...Buffer.alloc(0xe000, 0x61)]
    expect(await sessionError(frame(performative(0x12, name, uint(0), [0x42])))).toContain('amqp:invalid-field')
  })

  const attachTo = (address: string, handle: number): Buffer => {
    const target = [0, 0x53, 0x29, 0xc0, address.length + 3, 1, 0xa1, address.length, ...Buffer.from(address)]
    const name = [0xa1, 1, 0x61 + handle]
    return frame(performative(0x12, name, uint(handle), [0x42], [0x40], [0x40], [0x40], target))
  }
  const transfer = (handle: number, deliveryId: number, more: boolean, payload = Buffer.alloc(0)): Buffer => {
    const fields = [uint(handle), uint(deliveryId), [0xa0, 1, handle], [0x43], [0x42], [more ? 0x41 : 0x42]]
    return frame(Buffer.concat([performative(0x14, ...fields), payload]))
  }

  test('a message without credit detaches its link, and a message within another one does too', async () => {
    hub.faults.withholdCredit = true
    expect(await sessionError(attachTo('events', 0), transfer(0, 0, false))).toContain(
      'amqp:link:transfer-limit-exceeded',
    )
    hub.faults.withholdCredit = false
    const interleaved = await sessionError(attachTo('events', 0), transfer(0, 0, true), transfer(0, 1, false))
    expect(interleaved).toContain('amqp:not-allowed')
  })

  test('messages that never end share one budget; what is over it loses its link', async () => {
    const links = Array.from({ length: 8 }, (_, handle) => attachTo('events', handle))
    const payload = Buffer.alloc(40_000)
    const beginnings = links.flatMap((_, handle) => [
      transfer(handle, handle, true, payload),
      transfer(handle, handle, true, payload),
    ])
    const answer = await sessionError(...links, ...beginnings)
    const refused = answer.split('amqp:resource-limit-exceeded').length - 1
    // 300,000 bytes are allowed: enough for the first links, not for all eight.
    expect(refused).toBeGreaterThan(2)
    expect(refused).toBeLessThan(8)
  })

  test('a token of fifty kilobytes is refused as such, and a larger one is not even read', async () => {
    const connection = await connect(hub)
    const token = (length: number): string => `SharedAccessSignature sr=a&sig=${'A'.repeat(length)}&se=9999999999&skn=x`
    expect(await putToken(connection, 'sb://h/events', token(50_000))).toMatchObject({ status: 401 })
    await expect(putToken(connection, 'sb://h/events', token(200_000))).rejects.toMatchObject({
      condition: 'amqp:link:message-size-exceeded',
    })
  })
})
