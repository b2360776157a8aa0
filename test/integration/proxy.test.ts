import { type AddressInfo, createServer, type Server } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  EventHubError,
  EventHubProducerClient,
  type EventHubProducerClientOptions,
  type HttpProxyOptions,
} from '../../core/index.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'
import { type ConnectProxy, type ConnectProxyOptions, startConnectProxy } from '../support/connect-proxy.js'
import { selfSignedCertificate } from './local-hub/certificate.js'

const tls = selfSignedCertificate()
let hub: LocalHub
const clients: EventHubProducerClient[] = []
const proxies: ConnectProxy[] = []

beforeAll(async () => {
  hub = await startLocalHub({ tls, sharedAccessKeys: { root: 'secret' } })
})
afterAll(() => hub.close())
afterEach(async () => {
  hub.faults.reset()
  await Promise.all(clients.splice(0).map((client) => client.close({ flush: false })))
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()))
})

async function startProxy(options?: ConnectProxyOptions): Promise<ConnectProxy> {
  const proxy = await startConnectProxy(options)
  proxies.push(proxy)
  return proxy
}

type ProxiedType = 'amqpOverWebSocket' | 'https'
type Options = EventHubProducerClientOptions & { readonly httpProxy: HttpProxyOptions }

/** A client of the hub's plain port. */
function connect(transportType: ProxiedType, options: Options): EventHubProducerClient {
  const client = EventHubProducerClient.fromConnectionString(hub.connectionStringFor('events'), {
    transportType,
    customEndpointAddress: `127.0.0.1:${hub.httpPort}`,
    retryOptions: { maxRetries: 0, retryDelayInMs: 20 },
    ...options,
  })
  clients.push(client)
  return client
}

/** A client of the hub's TLS port. */
function connectTls(transportType: ProxiedType, options: Options): EventHubProducerClient {
  const client = new EventHubProducerClient(
    'ns.example.net',
    'events',
    { name: 'root', key: 'secret' },
    {
      transportType,
      customEndpointAddress: `localhost:${hub.httpsPort}`,
      retryOptions: { maxRetries: 0 },
      tls: { ca: tls.cert },
      ...options,
    },
  )
  clients.push(client)
  return client
}

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

const through = ({ port }: { readonly port: number }) => ({ hostname: '127.0.0.1', port })

const errorOf = (promise: Promise<unknown>): Promise<EventHubError> =>
  promise.then(
    () => Promise.reject(new Error('It was expected to fail.')),
    (error) => error,
  )

const bodies = () => hub.events('events').map((event) => String(event.body))

describe.each<ProxiedType>(['amqpOverWebSocket', 'https'])('%s through a proxy', (transportType) => {
  test('an event arrives, by a tunnel to the endpoint, and nothing goes around it', async () => {
    const proxy = await startProxy()
    const body = `${transportType} plain`
    await connect(transportType, { httpProxy: through(proxy) }).sendEvent({ body })
    expect(bodies()).toContain(body)
    expect(proxy.requests.map(({ authority, headers }) => [authority, headers.host])).toEqual([
      [`127.0.0.1:${hub.httpPort}`, `127.0.0.1:${hub.httpPort}`],
    ])
    expect(proxy.requests[0]?.headers).not.toHaveProperty('proxy-authorization')
    expect(proxy.otherRequests).toBe(0)
  })

  test('TLS goes on top of the tunnel, checked against the endpoint’s own name', async () => {
    const proxy = await startProxy()
    const body = `${transportType} TLS`
    await connectTls(transportType, { httpProxy: through(proxy) }).sendEvent({ body })
    expect(bodies()).toContain(body)
    expect(proxy.requests.map(({ authority }) => authority)).toEqual([`localhost:${hub.httpsPort}`])
  })

  test('the server’s name is told within the tunnel (SNI), for servers with several', async () => {
    const proxy = await startProxy()
    const names: unknown[] = []
    const server = createTlsServer({ key: tls.key, cert: tls.cert }, (socket) => {
      names.push(socket.servername)
      socket.on('error', () => {}).destroy()
    })
    const port = await portOf(server)
    const client = connectTls(transportType, { httpProxy: through(proxy), customEndpointAddress: `localhost:${port}` })
    await errorOf(client.sendEvent({ body: 'no' }))
    expect(names).toEqual(['localhost'])
    server.close()
  })

  test.each([
    ['not trusted', { ca: selfSignedCertificate().cert }, 'DEPTH_ZERO_SELF_SIGNED_CERT', 'tls.ca'],
    [
      'for another name',
      { ca: tls.cert, servername: 'a.example.net' },
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'tls.servername',
    ],
  ])(
    'a certificate that is %s ends it before anything of the event has left',
    async (_, tlsOption, condition, advice) => {
      const proxy = await startProxy()
      const client = connectTls(transportType, { httpProxy: through(proxy), tls: tlsOption })
      const error = await errorOf(client.sendEvent({ body: 'no' }))
      expect(error).toMatchObject({ code: 'connection-lost', outcome: 'returned', retryable: false, condition })
      expect(error.message).toContain(advice)
      await expect.poll(() => proxy.openCount).toBe(0)
    },
  )

  test('credentials are given, in UTF-8', async () => {
    const proxy = await startProxy({ credentials: 'ümit:pass:wört' })
    const body = `${transportType} credentials`
    const httpProxy = { ...through(proxy), username: 'ümit', password: 'pass:wört' }
    await connect(transportType, { httpProxy }).sendEvent({ body })
    expect(bodies()).toContain(body)
  })

  test('credentials that are missing or wrong fail for good, and are told to nobody', async () => {
    const proxy = await startProxy({ credentials: 'user:right-password' })
    const logged: string[] = []
    const log = (message: string) => logged.push(message)
    const logger = { debug: log, info: log, warn: log, error: log }
    const wrong = { ...through(proxy), username: 'the-user', password: 'wrong-password' }
    for (const httpProxy of [through(proxy), wrong]) {
      const client = connect(transportType, { httpProxy, logger, retryOptions: { maxRetries: 3 } })
      await client.warmUp()
      const before = proxy.requests.length
      const error = await errorOf(client.sendEvent({ body: 'no' }))
      expect(error).toMatchObject({
        code: 'authentication-failed',
        outcome: 'returned',
        retryable: false,
        condition: '407',
      })
      expect(error.message).toContain('httpProxy.username')
      expect(proxy.requests.length).toBe(before + 1)
      const shown = inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true }) + logged.join()
      for (const secret of ['wrong-password', 'the-user', Buffer.from('the-user:wrong-password').toString('base64')]) {
        expect(shown).not.toContain(secret)
      }
    }
  })

  test.each([
    [403, false],
    [404, false],
    [429, true],
    [502, true],
    [503, true],
  ])('a tunnel refused with %i returns the event; retryable: %s', async (refuse, retryable) => {
    const proxy = await startProxy({ refuse })
    const error = await errorOf(connect(transportType, { httpProxy: through(proxy) }).sendEvent({ body: 'no' }))
    expect(error).toBeInstanceOf(EventHubError)
    expect(error).toMatchObject({ code: 'connection-lost', outcome: 'returned', retryable, condition: String(refuse) })
    expect(error.message).toContain(`The proxy 127.0.0.1:${proxy.port} refused the tunnel to 127.0.0.1:${hub.httpPort}`)
    await expect.poll(() => proxy.openCount).toBe(0)
  })

  test('a refusal that may pass is asked again', async () => {
    const proxy = await startProxy({ refuse: 502 })
    const client = connect(transportType, {
      httpProxy: through(proxy),
      retryOptions: { maxRetries: 2, retryDelayInMs: 10 },
    })
    await errorOf(client.sendEvent({ body: 'no' }))
    expect(proxy.requests).toHaveLength(3)
  })

  test('a proxy that takes the request and says nothing costs no more than socketTimeoutInMs', async () => {
    const proxy = await startProxy({ silent: true })
    const client = connect(transportType, { httpProxy: through(proxy), socketTimeoutInMs: 150 })
    const startedAt = performance.now()
    const error = await errorOf(client.sendEvent({ body: 'no' }))
    expect(performance.now() - startedAt).toBeLessThan(1000)
    expect(error).toMatchObject({ code: 'timeout', outcome: 'returned', retryable: true })
    await expect.poll(() => proxy.openCount).toBe(0)
  })

  test('a tunnel on which nothing is heard does so too, while TLS begins', async () => {
    const proxy = await startProxy({ deaf: true })
    const client = connectTls(transportType, { httpProxy: through(proxy), socketTimeoutInMs: 150 })
    const startedAt = performance.now()
    const error = await errorOf(client.sendEvent({ body: 'no' }))
    expect(performance.now() - startedAt).toBeLessThan(1000)
    expect(error).toMatchObject({ code: 'timeout', outcome: 'returned', retryable: true })
    await expect.poll(() => proxy.openCount).toBe(0)
  })

  test('an invocation ends in time while the proxy is silent, everything returned', async () => {
    const proxy = await startProxy({ silent: true })
    const invocation = connect(transportType, { httpProxy: through(proxy) }).beginInvocation({
      timeoutInMs: 400,
      reserveInMs: 100,
    })
    const startedAt = performance.now()
    for (let i = 0; i < 5; i++) void invocation.sendEvent({ body: `${i}` })
    const report = await invocation.end()
    expect(performance.now() - startedAt).toBeLessThan(400)
    expect(report.failures.map(({ outcome }) => outcome)).toEqual(Array(5).fill('returned'))
  })

  test('close gives up a tunnel that is being asked for', async () => {
    const proxy = await startProxy({ silent: true })
    const client = connect(transportType, { httpProxy: through(proxy) })
    const sent = errorOf(client.sendEvent({ body: 'no' }))
    await expect.poll(() => proxy.requests.length).toBe(1)
    await client.close({ flush: false })
    expect(await sent).toMatchObject({ outcome: 'returned' })
    await expect.poll(() => proxy.openCount).toBe(0)
  })

  test('a proxy that is down is named, and asked again', async () => {
    const proxy = await startProxy()
    await proxy.close()
    const error = await errorOf(connect(transportType, { httpProxy: through(proxy) }).sendEvent({ body: 'no' }))
    expect(error).toMatchObject({
      code: 'connection-lost',
      outcome: 'returned',
      retryable: true,
      condition: 'ECONNREFUSED',
    })
    expect(error.message).toContain(`the proxy 127.0.0.1:${proxy.port}`)
  })

  test('what is no HTTP proxy is said so', async () => {
    const server = createServer((socket) => socket.on('error', () => {}).end('220 mail ready\r\n'))
    const port = await portOf(server)
    const error = await errorOf(connect(transportType, { httpProxy: through({ port }) }).sendEvent({ body: 'no' }))
    expect(error).toMatchObject({ code: 'protocol-error', outcome: 'returned', retryable: false })
    server.close()
  })

  test('close leaves no tunnel open', async () => {
    const proxy = await startProxy()
    const client = connect(transportType, { httpProxy: through(proxy) })
    await client.sendEvent({ body: `${transportType} last` })
    await client.close()
    await expect.poll(() => proxy.openCount).toBe(0)
  })
})

describe('AMQP over WebSocket through a proxy', () => {
  test('an invocation with many keys needs one tunnel', async () => {
    const proxy = await startProxy()
    const before = bodies().length
    const invocation = connect('amqpOverWebSocket', { httpProxy: through(proxy) }).beginInvocation()
    for (let i = 0; i < 500; i++) void invocation.sendEvent({ body: 'x'.repeat(i * 10) }, { partitionKey: `${i}` })
    expect(await invocation.end()).toMatchObject({ accepted: 500, failures: [] })
    expect(bodies()).toHaveLength(before + 500)
    expect(proxy.requests).toHaveLength(1)
  })

  test('a tunnel dropped in mid-send leaves the event unknown; a retry takes a new one', async () => {
    const proxy = await startProxy()
    const client = connect('amqpOverWebSocket', {
      httpProxy: through(proxy),
      retryOptions: { maxRetries: 2, retryDelayInMs: 20 },
    })
    const once = connect('amqpOverWebSocket', { httpProxy: through(proxy) })
    await Promise.all([client, once].map((one) => one.sendEvent({ body: 'warm' }, { partitionId: '0' })))
    hub.faults.dropAcknowledgements(2)
    const failed = errorOf(once.sendEvent({ body: 'dropped once' }, { partitionId: '0' }))
    const retried = client.sendEvent({ body: 'dropped' }, { partitionId: '0' })
    await expect.poll(bodies).toEqual(expect.arrayContaining(['dropped', 'dropped once']))
    proxy.destroyTunnels()
    expect(await failed).toMatchObject({ code: 'connection-lost', outcome: 'unknown', retryable: true })
    await retried
    expect(bodies().filter((body) => body === 'dropped')).toHaveLength(2)
    expect(proxy.requests).toHaveLength(3)
  })
})
