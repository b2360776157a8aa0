import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { webSocketWire } from '../../../../core/amqp/websocket.js'
import { EventHubError, EventHubProducerClient, type EventHubProducerClientOptions } from '../../../../core/index.js'
import type { TransportContext } from '../../../../core/transport.js'

const clients: EventHubProducerClient[] = []
const servers: (Server | TcpServer)[] = []

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close({ flush: false })))
  for (const server of servers.splice(0)) server.close()
})

function connect(port: number, options: EventHubProducerClientOptions = {}): EventHubProducerClient {
  const connectionString = `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=root;SharedAccessKey=secret;EntityPath=events;UseDevelopmentEmulator=true`
  const client = EventHubProducerClient.fromConnectionString(connectionString, {
    transportType: 'amqpOverWebSocket',
    retryOptions: { maxRetries: 0 },
    ...options,
  })
  clients.push(client)
  return client
}

async function portOf(server: Server | TcpServer): Promise<number> {
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** The port of an endpoint that takes the WebSocket, and hands it over. */
function portOfWebSocket(onConnection: (socket: WebSocket & { _socket?: Duplex }) => void): Promise<number> {
  const listener = createServer()
  new WebSocketServer({ server: listener }).on('connection', onConnection)
  return portOf(listener)
}

/** The port of an endpoint that takes connections and says nothing, and those connections. */
async function silence(): Promise<{ port: number; sockets: Set<Duplex> }> {
  const sockets = new Set<Duplex>()
  const port = await portOf(
    createTcpServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {}).resume()
      socket.on('close', () => sockets.delete(socket))
    }),
  )
  return { port, sockets }
}

const errorOf = (promise: Promise<unknown>): Promise<EventHubError> =>
  promise.then(
    () => Promise.reject(new Error('It was expected to fail.')),
    (error) => error,
  )

const attempt = (port: number) => errorOf(connect(port).sendEvent({ body: 'a' }))

describe('an endpoint that does not let the WebSocket in returns the event', () => {
  test.each([
    [401, 'unauthorized', false],
    [403, 'unauthorized', false],
    [404, 'entity-not-found', false],
    [410, 'entity-not-found', false],
    [400, 'protocol-error', false],
    [302, 'protocol-error', false],
    [200, 'protocol-error', false],
    [408, 'service-error', true],
    [429, 'server-busy', true],
    [502, 'service-error', true],
    [503, 'server-busy', true],
  ])('by status %i: %s, retryable %s', async (status, code, retryable) => {
    const answer = `HTTP/1.1 ${status} No\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n`
    const port = await portOf(createServer().on('upgrade', (_request, socket: Duplex) => socket.end(answer)))
    const error = await attempt(port)
    expect(error).toBeInstanceOf(EventHubError)
    expect(error).toMatchObject({ code, retryable, outcome: 'returned', condition: String(status) })
    expect(error.message).toContain(`127.0.0.1:${port} refused the WebSocket (${status}).`)
  })

  test.each([
    ['another subprotocol', ['Sec-WebSocket-Protocol: mqtt'], 'invalid subprotocol'],
    ['no subprotocol', [], 'no subprotocol'],
  ])('by %s', async (_, headers, said) => {
    const server = new WebSocketServer({ noServer: true }).on('headers', (lines) => lines.push(...headers))
    const port = await portOf(
      createServer().on('upgrade', (request, socket, head) => {
        delete request.headers['sec-websocket-protocol']
        server.handleUpgrade(request, socket, head, () => {})
      }),
    )
    const error = await attempt(port)
    expect(error).toMatchObject({ code: 'protocol-error', retryable: false, outcome: 'returned' })
    expect(error.message).toContain(said)
  })

  test('by not speaking HTTP', async () => {
    const port = await portOf(createTcpServer((socket) => socket.on('error', () => {}).end('220 mail ready\r\n')))
    expect(await attempt(port)).toMatchObject({ code: 'protocol-error', retryable: false, outcome: 'returned' })
  })

  test('by hanging up', async () => {
    const port = await portOf(
      createTcpServer((socket) => socket.on('error', () => {}).once('data', () => socket.end())),
    )
    expect(await attempt(port)).toMatchObject({ code: 'connection-lost', retryable: true, outcome: 'returned' })
  })

  test('by saying nothing: socketTimeoutInMs ends the wait, and the socket', async () => {
    const { port, sockets } = await silence()
    const startedAt = performance.now()
    const error = await errorOf(connect(port, { socketTimeoutInMs: 150 }).sendEvent({ body: 'a' }))
    expect(performance.now() - startedAt).toBeLessThan(1000)
    expect(error).toMatchObject({ code: 'timeout', outcome: 'returned', retryable: true })
    await expect.poll(() => sockets.size).toBe(0)
  })
})

test('close while the WebSocket is being opened ends the send and the socket at once', async () => {
  const { port, sockets } = await silence()
  const client = connect(port)
  const sent = errorOf(client.sendEvent({ body: 'a' }))
  await expect.poll(() => sockets.size).toBe(1)
  await client.close({ flush: false })
  expect(await sent).toMatchObject({ outcome: 'returned' })
  await expect.poll(() => sockets.size).toBe(0)
})

describe('an open WebSocket', () => {
  test('that the peer closes with a code: the error names it', async () => {
    const port = await portOfWebSocket((socket) => socket.on('message', () => socket.close(1011, 'out of order')))
    const error = await attempt(port)
    expect(error).toMatchObject({ code: 'connection-lost', retryable: true, outcome: 'returned', condition: '1011' })
  })

  test.each([
    ['a close frame that says nothing', (socket: WebSocket) => socket.close()],
    ['a normal close', (socket: WebSocket) => socket.close(1000)],
    ['no close frame', (socket: WebSocket) => socket.terminate()],
  ])('that the peer ends by %s is a lost connection', async (_, end) => {
    const port = await portOfWebSocket((socket) => socket.on('message', () => end(socket)))
    const error = await attempt(port)
    expect(error).toMatchObject({ code: 'connection-lost', retryable: true, outcome: 'returned' })
    expect(error.message).toContain('closed by the peer')
  })

  test('that is reset: the error says so', async () => {
    const port = await portOfWebSocket((socket) =>
      socket.on('message', () => (socket._socket as unknown as { resetAndDestroy(): void }).resetAndDestroy()),
    )
    const error = await attempt(port)
    expect(error).toMatchObject({ code: 'connection-lost', retryable: true, condition: 'ECONNRESET' })
  })

  test('on which the peer breaks the protocol is given up for good', async () => {
    const port = await portOfWebSocket((socket) => {
      socket.on('error', () => {})
      // An opcode that is reserved.
      socket.on('message', () => socket._socket?.write(Buffer.from([0x83, 0])))
    })
    const error = await attempt(port)
    expect(error).toMatchObject({ code: 'protocol-error', retryable: false, condition: 'WS_ERR_INVALID_OPCODE' })
  })
})

describe('the stream over a WebSocket', () => {
  test('asks for AMQP at the service’s path, and for no compression', async () => {
    const asked = new Promise<IncomingMessage>((resolve) => {
      const listener = createServer()
      new WebSocketServer({ server: listener, perMessageDeflate: true }).on('connection', (_, request) =>
        resolve(request),
      )
      void portOf(listener).then((port) =>
        webSocketWire(context(port))
          .open(() => {})
          .on('error', () => {}),
      )
    })
    const { url, headers } = await asked
    expect(url).toBe('/$servicebus/websocket')
    expect(headers).toMatchObject({
      'sec-websocket-protocol': 'AMQPWSB10',
      'sec-websocket-version': '13',
      'user-agent': 'agent/1',
    })
    expect(headers).not.toHaveProperty('sec-websocket-extensions')
  })

  const context = (port: number) =>
    ({
      fullyQualifiedNamespace: '127.0.0.1',
      options: { development: true, endpoint: { hostname: '127.0.0.1', port }, userAgent: 'agent/1' },
    }) as unknown as TransportContext

  async function open(onConnection: (socket: WebSocket) => void): Promise<Duplex> {
    const wire = webSocketWire(context(await portOfWebSocket(onConnection)))
    return new Promise((resolve, reject) => {
      const stream = wire.open(() => resolve(stream))
      stream.on('error', reject)
    })
  }

  test('carries bytes both ways, in order, however they are cut', async () => {
    const stream = await open((socket) => socket.on('message', (data) => socket.send(data)))
    const sent = Buffer.concat(Array.from({ length: 300 }, (_, i) => Buffer.alloc(i * 37, i)))
    for (let at = 0; at < sent.length; at += 4096) stream.write(sent.subarray(at, at + 4096))
    let received = Buffer.alloc(0)
    for await (const chunk of stream) {
      received = Buffer.concat([received, chunk])
      if (received.length >= sent.length) break
    }
    expect(received.equals(sent)).toBe(true)
  })

  test('holds the peer back while nobody reads, and loses nothing by it', async () => {
    const total = 32 * 1024 * 1024
    let peer: WebSocket | undefined
    const stream = await open((socket) => {
      peer = socket
      for (let sent = 0; sent < total; sent += 64 * 1024) socket.send(Buffer.alloc(64 * 1024, 1))
    })
    stream.once('readable', () => {})
    // Once it stands still: what the sockets between hold is the system's affair, and far from all.
    let before = -1
    await expect
      .poll(() => {
        const now = peer?.bufferedAmount ?? total
        const stands = now === before
        before = now
        return stands
      })
      .toBe(true)
    expect(before).toBeGreaterThan(total / 4)
    expect(stream.readableLength).toBeLessThan(4 * 1024 * 1024)
    let received = 0
    for await (const chunk of stream) {
      received += chunk.length
      if (received === total) break
    }
    expect(received).toBe(total)
  })

  test('tells a writer when its bytes are out, and fails it when they cannot be', async () => {
    let peer: WebSocket | undefined
    const stream = await open((socket) => {
      peer = socket
    })
    await new Promise<void>((resolve, reject) => stream.write('abc', (error) => (error ? reject(error) : resolve())))
    const closed = new Promise((resolve) => stream.once('close', resolve))
    const failed = new Promise<Error>((resolve) => stream.on('error', resolve))
    peer?.terminate()
    expect(await failed).toMatchObject({ code: 'connection-lost', retryable: true })
    await closed
    const late = await new Promise((resolve) => stream.write('d', resolve))
    expect(late).toBeInstanceOf(Error)
  })

  test('that is ended says so to the peer, and ends when the peer has', async () => {
    let code: number | undefined
    const stream = await open((socket) => {
      socket.on('close', (received) => {
        code = received
      })
    })
    const closed = new Promise((resolve) => stream.once('close', resolve))
    stream.end()
    await closed
    // A close frame without a status: 1005.
    await expect.poll(() => code).toBe(1005)
  })

  test('that is destroyed takes its socket with it', async () => {
    let open_ = 0
    const stream = await open((socket) => {
      open_ += 1
      socket.on('close', () => {
        open_ -= 1
      })
    })
    expect(open_).toBe(1)
    stream.on('error', () => {})
    stream.destroy(new Error('enough'))
    await expect.poll(() => open_).toBe(0)
  })
})
