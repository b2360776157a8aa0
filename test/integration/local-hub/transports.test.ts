import { type EventEmitter, once } from 'node:events'
import { createRequire } from 'node:module'
import { connect as connectTls } from 'node:tls'
import { EventHubConsumerClient, EventHubProducerClient, earliestEventPosition } from '@azure/event-hubs'
import rhea from 'rhea'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LocalHub, startLocalHub } from '../../../infra/local-hub/index.js'
import { selfSignedCertificate } from './certificate.js'
import { openSender, sendBatch } from './raw-client.js'

// The package has no types of its own; this is what is used of it here.
interface WebSocketClient extends EventEmitter {
  readonly protocol: string
  ping(data: string): void
  send(data: Buffer, options: { fin: boolean }): void
  close(): void
}
type WebSocketConstructor = new (url: string, protocols: string) => WebSocketClient
const WebSocket = createRequire(import.meta.url)('ws') as WebSocketConstructor & typeof globalThis.WebSocket

let hub: LocalHub
const tls = selfSignedCertificate()

beforeAll(async () => {
  hub = await startLocalHub({
    tls,
    sharedAccessKeys: { root: 'secret' },
    eventHubs: { events: { partitionCount: 1 }, tls: {} },
  })
})
afterAll(() => hub.close())

describe('TLS', () => {
  test('AMQP over TLS works, for a client that trusts the certificate', async () => {
    const container = rhea.create_container()
    const connection = container.connect({
      transport: 'tls',
      host: 'localhost',
      port: hub.amqpsPort ?? 0,
      ca: [tls.cert],
      username: 'root',
      password: 'secret',
      reconnect: false,
    })
    connection.on('disconnected', () => {})
    expect(await sendBatch(await openSender(connection, 'tls'), ['over TLS'])).toBe('accepted')
    expect(hub.events('tls').map(({ body }) => String(body))).toEqual(['over TLS'])
    connection.close()
  })

  test('a client that does not trust it, and one that speaks no TLS, disturb nobody', async () => {
    const wary = connectTls({ host: '127.0.0.1', port: hub.amqpsPort ?? 0 })
    await expect(once(wary, 'secureConnect')).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    const response = await fetch(`http://127.0.0.1:${hub.httpsPort}/`).catch((error: Error) => error)
    expect(response).toBeInstanceOf(Error)
  })

  test('the connection string for TLS names its port and no emulator', () => {
    expect(hub.connectionStringFor('tls', { transport: 'amqps' })).toBe(
      `Endpoint=sb://127.0.0.1:${hub.amqpsPort};SharedAccessKeyName=root;SharedAccessKey=secret;EntityPath=tls`,
    )
    expect(hub.connectionString).not.toContain('EntityPath')
  })
})

describe('WebSocket', () => {
  test('the official clients send and receive over it, frames of every length', async () => {
    const connectionString = hub
      .connectionStringFor('events')
      .replace(`:${hub.amqpPort}`, `:${hub.httpsPort}`)
      .replace('UseDevelopmentEmulator=true', '')
    const webSocketOptions = { webSocket: WebSocket, webSocketConstructorOptions: { ca: tls.cert } }
    const producer = new EventHubProducerClient(connectionString, { webSocketOptions, retryOptions: { maxRetries: 0 } })
    const bodies = [1, 124, 200, 40_000, 90_000, 200_000].map((length) => 'x'.repeat(length))
    for (const body of bodies) await producer.sendBatch([{ body }])
    const consumer = new EventHubConsumerClient('$Default', connectionString, { webSocketOptions })
    const received: unknown[] = []
    await new Promise<void>((resolve, reject) => {
      const subscription = consumer.subscribe(
        {
          processEvents: async (events) => {
            received.push(...events.map(({ body }) => body))
            if (received.length < bodies.length) return
            void subscription.close()
            resolve()
          },
          processError: async (error) => reject(error),
        },
        { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 0.05 },
      )
    })
    expect(received).toEqual(bodies)
    await producer.close()
    void consumer.close()
  })

  const url = (path: string): string => `ws://127.0.0.1:${hub.httpPort}${path}`

  test('pings are answered, fragments are joined, and the end is mutual', async () => {
    const socket = new WebSocket(url('/$servicebus/websocket'), 'AMQPWSB10')
    await once(socket, 'open')
    expect(socket.protocol).toBe('AMQPWSB10')
    socket.ping('hello')
    const [pong] = await once(socket, 'pong')
    expect(String(pong)).toBe('hello')
    const answer = once(socket, 'message')
    socket.send(Buffer.from('AMQ'), { fin: false })
    socket.send(Buffer.from([0x50, 3]), { fin: false })
    socket.send(Buffer.from([1, 0, 0]), { fin: true })
    const [header] = await answer
    expect(header).toEqual(Buffer.from([0x41, 0x4d, 0x51, 0x50, 3, 1, 0, 0]))
    socket.close()
    await once(socket, 'close')
    await expect.poll(() => hub.connections.some(({ containerId }) => containerId === undefined)).toBe(false)
  })

  test.each([
    ['another path', '/elsewhere', 'AMQPWSB10', 404],
    ['another subprotocol', '/$servicebus/websocket', 'mqtt', 400],
  ])('%s is refused', async (_, path, subprotocol, status) => {
    const socket = new WebSocket(url(path), subprotocol)
    const [error] = await once(socket, 'error')
    expect(error.message).toContain(String(status))
  })

  test('frames that are not WebSocket end the connection', async () => {
    const socket = new WebSocket(url('/$servicebus/websocket'), 'AMQPWSB10')
    await once(socket, 'open')
    const closed = once(socket, 'close')
    // An unmasked frame, past the library that would mask it.
    const { _socket: raw } = socket as unknown as { _socket: { write(bytes: Buffer): void } }
    raw.write(Buffer.from([0x82, 1, 0]))
    await closed
  })
})
