import { createServer as createHttpServer, type IncomingHttpHeaders } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openTunnel } from '../../../../core/amqp/proxy.js'
import { socketTarget } from '../../../../core/amqp/socket.js'
import { tunnelledRequests } from '../../../../core/amqp/tunnelled-requests.js'
import {
  type EventHubError,
  EventHubProducerClient,
  type EventHubProducerClientOptions,
} from '../../../../core/index.js'
import type { TransportContext } from '../../../../core/transport.js'
import { type LocalHub, startLocalHub } from '../../../../infra/local-hub/index.js'
import { type ConnectProxy, startConnectProxy } from '../../../support/connect-proxy.js'

let hub: LocalHub
let proxy: ConnectProxy
const clients: EventHubProducerClient[] = []
const servers: Server[] = []

beforeAll(async () => {
  hub = await startLocalHub()
})
afterAll(() => hub.close())
beforeEach(async () => {
  proxy = await startConnectProxy()
})
afterEach(async () => {
  hub.faults.reset()
  await Promise.all(clients.splice(0).map((client) => client.close({ flush: false })))
  for (const server of servers.splice(0)) server.close()
  await proxy.close()
})

function connect(port: number, options: EventHubProducerClientOptions = {}, connectionString = hub.connectionString) {
  const client = EventHubProducerClient.fromConnectionString(connectionString, {
    transportType: 'https',
    customEndpointAddress: `127.0.0.1:${port}`,
    httpProxy: { hostname: '127.0.0.1', port: proxy.port },
    retryOptions: { maxRetries: 0 },
    ...options,
  })
  clients.push(client)
  return client
}

async function portOf(server: Server): Promise<number> {
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

const errorOf = (promise: Promise<unknown>): Promise<EventHubError> =>
  promise.then(
    () => Promise.reject(new Error('It was expected to fail.')),
    (error) => error,
  )

describe('HTTPS through a proxy, to the local hub', () => {
  test('each request has a tunnel of its own; content types, properties and large bodies arrive', async () => {
    const client = connect(hub.httpPort, { partitionIds: ['0', '1', '2', '3'] })
    const large = 'ä'.repeat(400_000)
    await client.sendBatch([{ body: 'one', properties: { n: 1 } }, { body: large }], { partitionId: '2' })
    await client.sendEvent({ body: new Uint8Array([255, 0]), contentType: 'application/x' }, { partitionId: '2' })
    const [one, two, three] = hub.events('events', '2')
    expect(one?.applicationProperties).toMatchObject({ n: 1 })
    expect(String(two?.body)).toBe(large)
    expect(three?.body).toEqual(Buffer.from([255, 0]))
    expect(proxy.requests).toHaveLength(2)
    await expect.poll(() => proxy.openCount).toBe(0)
  })

  test('the service’s answers keep their meaning', async () => {
    hub.faults.throttle = { retryAfterInSeconds: 7 }
    expect(await errorOf(connect(hub.httpPort).sendEvent({ body: 'busy' }))).toMatchObject({
      code: 'server-busy',
      outcome: 'refused',
      retryAfterInMs: 7000,
    })
    hub.faults.reset()
    const wrongKey = hub.connectionString.replace(/SharedAccessKey=[^;]+/, `SharedAccessKey=${btoa('wrong')}`)
    expect(await errorOf(connect(hub.httpPort, {}, wrongKey).sendEvent({ body: 'no' }))).toMatchObject({
      code: 'unauthorized',
      outcome: 'refused',
    })
  })

  test('a service that takes the request and does not answer leaves the event unknown', async () => {
    hub.faults.silence = true
    const client = connect(hub.httpPort, { retryOptions: { maxRetries: 0, tryTimeoutInMs: 200 } })
    expect(await errorOf(client.sendEvent({ body: 'silence' }))).toMatchObject({ code: 'timeout', outcome: 'unknown' })
    await expect.poll(() => proxy.openCount).toBe(0)
  })
})

describe('a request through a proxy', () => {
  /** The port of a service that gives this answer to the first bytes of every connection, which it keeps. */
  const answering = (status: string) =>
    portOf(
      createServer((socket: Socket) =>
        socket
          .on('error', () => {})
          .once('data', () => socket.write(`HTTP/1.1 ${status}\r\nContent-Length: 5\r\n\r\n`)),
      ),
    )

  test('names the service, its path and who asks, and tells it nothing of the proxy', async () => {
    const seen: { method: string | undefined; url: string | undefined; headers: IncomingHttpHeaders; body: string }[] =
      []
    const port = await portOf(
      createHttpServer(({ method, url, headers }, response) => {
        response.req.setEncoding('utf8').on('data', (body) => seen.push({ method, url, headers, body }))
        response.req.on('end', () => response.writeHead(201).end())
      }),
    )
    const httpProxy = { hostname: '127.0.0.1', port: proxy.port, username: 'user', password: 'password' }
    await connect(port, { httpProxy, userAgent: 'mine/1' }).sendEvent({ body: 'x' }, { partitionKey: 'k' })
    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatchObject({
      method: 'POST',
      url: expect.stringMatching(/^\/events\/messages\?timeout=\d+&api-version=2014-01$/),
      body: '[{"Body":"x","BrokerProperties":{"PartitionKey":"k"}}]',
    })
    const headers = seen[0]?.headers
    expect(headers).toMatchObject({
      host: `127.0.0.1:${port}`,
      'user-agent': expect.stringContaining('mine/1'),
      authorization: expect.stringMatching(/^SharedAccessSignature /),
      'content-length': '54',
    })
    expect(Object.keys(headers ?? {}).filter((name) => name.startsWith('proxy-'))).toEqual([])
  })

  test('that is accepted ends its tunnel, also when the service would keep it', async () => {
    await connect(await answering('201 Created')).sendEvent({ body: 'a' })
    await expect.poll(() => proxy.openCount).toBe(0)
  })

  test.each([
    ['999 Strange', 'unknown'],
    ['204 No Content', 'unknown'],
    ['302 Found\r\nLocation: http://127.0.0.1:1/', 'refused'],
  ])('that is answered with %s was not accepted, and is not sent elsewhere', async (status, outcome) => {
    expect(await errorOf(connect(await answering(status)).sendEvent({ body: 'a' }))).toMatchObject({ outcome })
    expect(proxy.requests).toHaveLength(1)
    await expect.poll(() => proxy.openCount).toBe(0)
  })

  test('loses no bytes that come together with the proxy’s answer', async () => {
    const both = 'HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n'
    const hasty = await portOf(
      createServer((socket) => socket.on('error', () => {}).once('data', () => socket.write(both))),
    )
    await connect(1, { httpProxy: { hostname: '127.0.0.1', port: hasty } }).sendEvent({ body: 'a' })
  })

  test('whose tunnel drops before the answer leaves the event unknown', async () => {
    const port = await portOf(createHttpServer(() => proxy.destroyTunnels()))
    expect(await errorOf(connect(port).sendEvent({ body: 'dropped' }))).toMatchObject({
      code: 'connection-lost',
      outcome: 'unknown',
      retryable: true,
    })
  })
})

describe('a tunnel', () => {
  const context = (port: number) =>
    ({
      fullyQualifiedNamespace: 'ns.example.net',
      options: { development: false, endpoint: { hostname: '127.0.0.1', port }, userAgent: 'agent/1' },
    }) as unknown as TransportContext
  const target = (port: number) => socketTarget(context(port), { tls: 443, plain: 80 })
  const through = () => ({ hostname: '127.0.0.1', port: proxy.port })

  test('that breaks before anyone uses it disturbs nobody', async () => {
    const port = await portOf(createServer((socket) => socket.on('error', () => {})))
    const tunnel = await openTunnel(through(), target(port), context(port), new AbortController().signal)
    const closed = new Promise((resolve) => tunnel.once('close', resolve))
    tunnel.resume()
    proxy.resetTunnels()
    expect(await closed).toBe(true)
  })

  test('that has ended meanwhile fails the request at once', async () => {
    const port = await portOf(createServer((socket) => socket.on('error', () => {})))
    const inTheClear = context(port)
    const development = { ...inTheClear, options: { ...inTheClear.options, development: true } }
    const send = await tunnelledRequests(development, through())(new AbortController().signal)
    proxy.resetTunnels()
    await expect.poll(() => proxy.openCount).toBe(0)
    const request = { method: 'POST', headers: {}, body: '[]' }
    await expect(send(`http://127.0.0.1:${port}/`, request)).rejects.toBeInstanceOf(Error)
  })

  test('given up while TLS begins on it rejects, and is closed', async () => {
    const port = await portOf(createServer((socket) => socket.on('error', () => {}).resume()))
    const giveUp = new AbortController()
    const opening = tunnelledRequests(context(port), through())(giveUp.signal)
    await expect.poll(() => proxy.requests.length).toBe(1)
    // Past the proxy's answer: what is given up is TLS.
    await expect.poll(() => proxy.openTunnelCount).toBe(1)
    giveUp.abort()
    await expect(opening).rejects.toBeInstanceOf(Error)
    await expect.poll(() => proxy.openCount).toBe(0)
  })

  test('not asked for any more is not asked for', async () => {
    const giveUp = new AbortController()
    giveUp.abort()
    await expect(tunnelledRequests(context(1), through())(giveUp.signal)).rejects.toBeInstanceOf(Error)
    expect(proxy.requests).toEqual([])
  })
})
