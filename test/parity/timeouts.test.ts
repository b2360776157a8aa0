import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../core/clock.js'
import {
  type EventHubError,
  EventHubProducerClient,
  type EventHubProducerClientOptions,
  type TransportType,
} from '../../core/index.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'
import { createPrivateAuthority } from '../support/private-authority.js'
import { type Relay, startRelay } from '../support/relay.js'

let hub: LocalHub
let relay: Relay | undefined
const clients: EventHubProducerClient[] = []
const silent: (() => void)[] = []

beforeAll(async () => {
  hub = await startLocalHub({ sharedAccessKeys: { root: 'secret' } })
})
afterAll(() => hub.close())
afterEach(async () => {
  hub.faults.reset()
  await Promise.all(clients.splice(0).map((client) => client.close({ flush: false })))
  await relay?.close()
  relay = undefined
  for (const stop of silent.splice(0)) stop()
})

const noRetries = { maxRetries: 0 }

/** A client of this machine's port, without TLS. */
function connect(port: number, options: EventHubProducerClientOptions): EventHubProducerClient {
  const text = `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=root;SharedAccessKey=secret;EntityPath=events;UseDevelopmentEmulator=true`
  const client = EventHubProducerClient.fromConnectionString(text, { retryOptions: noRetries, ...options })
  clients.push(client)
  return client
}

/** The error of what must fail, and how long it took. */
async function failure(call: Promise<unknown>): Promise<{ error: EventHubError; tookInMs: number }> {
  const startedAt = performance.now()
  const error = await call.then(
    () => Promise.reject(new Error('It was expected to fail.')),
    (thrown) => thrown,
  )
  return { error, tookInMs: performance.now() - startedAt }
}

/** The port of a server that takes connections and says nothing, and those connections. */
async function silence(): Promise<{ port: number; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).resume()
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  silent.push(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { port: (server.address() as AddressInfo).port, sockets }
}

const portOf = (type: TransportType) => (type === 'amqp' ? hub.amqpPort : hub.httpPort)

describe.each<TransportType>(['amqp', 'amqpOverWebSocket'])('%s, a server that falls silent', (transportType) => {
  const limit = 250
  /** Much longer than the limit, and much shorter than any default. */
  const soon = 2500

  async function through(silentBefore: string | Buffer, options: EventHubProducerClientOptions) {
    relay = await startRelay(portOf(transportType))
    relay.silentBefore(silentBefore)
    return connect(relay.port, { transportType, ...options })
  }

  test.each([
    ['before the SASL layer', 'AMQP\x03'],
    ['before the connection is open', 'AMQP\x00'],
    ['before the links to $cbs are attached', 'cbs-'],
  ])('%s costs socketTimeoutInMs, and its socket', async (_, silentBefore) => {
    const client = await through(silentBefore, { socketTimeoutInMs: limit })
    const { error, tookInMs } = await failure(client.sendEvent({ body: 'a' }))
    expect(error).toMatchObject({ name: 'OperationTimeoutError', code: 'timeout', outcome: 'returned' })
    expect(error.message).toMatch(/within 250 ms.*Check host, port and firewall/)
    expect(tookInMs).toBeGreaterThanOrEqual(limit - 5)
    expect(tookInMs).toBeLessThan(soon)
    await expect.poll(() => relay?.openCount).toBe(0)
    expect(relay?.accepted).toBe(1)
  })

  test('before the link is attached costs socketTimeoutInMs', async () => {
    const client = await through('events/Partitions/0', { socketTimeoutInMs: limit })
    const { error, tookInMs } = await failure(client.sendEvent({ body: 'a' }, { partitionId: '0' }))
    expect(error).toMatchObject({ code: 'timeout', outcome: 'returned' })
    expect(error.message).toContain('events/Partitions/0')
    expect(tookInMs).toBeGreaterThanOrEqual(limit - 5)
    expect(tookInMs).toBeLessThan(soon)
  })

  test('before it takes the token costs authTimeoutInMs, and its connection', async () => {
    const client = await through('status-code', { authTimeoutInMs: limit })
    const { error, tookInMs } = await failure(client.sendEvent({ body: 'a' }))
    expect(error).toMatchObject({ retryable: true, outcome: 'returned' })
    expect(error.message).toContain('$cbs did not answer in time')
    expect(tookInMs).toBeGreaterThanOrEqual(limit - 5)
    expect(tookInMs).toBeLessThan(soon)
    await expect.poll(() => relay?.openCount).toBe(0)
  })

  test('before it answers for its properties costs tryTimeoutInMs', async () => {
    const client = await through('partition_ids', { retryOptions: { ...noRetries, tryTimeoutInMs: limit } })
    const { error, tookInMs } = await failure(client.getPartitionIds())
    expect(error).toMatchObject({ name: 'OperationTimeoutError', code: 'timeout' })
    expect(tookInMs).toBeLessThan(soon)
  })

  test('before it acknowledges costs tryTimeoutInMs: unknown', async () => {
    const client = connect(portOf(transportType), {
      transportType,
      retryOptions: { ...noRetries, tryTimeoutInMs: limit },
    })
    await client.sendEvent({ body: 'warm' })
    hub.faults.dropAcknowledgements()
    const { error, tookInMs } = await failure(client.sendEvent({ body: 'a' }))
    expect(error).toMatchObject({ name: 'OperationTimeoutError', code: 'timeout', outcome: 'unknown' })
    expect(tookInMs).toBeGreaterThanOrEqual(limit - 5)
    expect(tookInMs).toBeLessThan(soon)
  })

  test('in the TLS handshake costs socketTimeoutInMs', async () => {
    const { port, sockets } = await silence()
    const client = new EventHubProducerClient(
      'ns.example.net',
      'events',
      { name: 'root', key: 'secret' },
      {
        transportType,
        customEndpointAddress: `127.0.0.1:${port}`,
        socketTimeoutInMs: limit,
        retryOptions: noRetries,
      },
    )
    clients.push(client)
    const { error, tookInMs } = await failure(client.sendEvent({ body: 'a' }))
    expect(error).toMatchObject({ code: 'timeout', outcome: 'returned' })
    expect(tookInMs).toBeLessThan(soon)
    await expect.poll(() => sockets.size).toBe(0)
  })
})

describe('over https, a server that falls silent', () => {
  test('before it answers costs tryTimeoutInMs: unknown', async () => {
    relay = await startRelay(hub.httpPort)
    relay.silentBefore('HTTP/1.1')
    const retryOptions = { ...noRetries, tryTimeoutInMs: 400 }
    const client = connect(relay.port, { transportType: 'https', retryOptions })
    const { error, tookInMs } = await failure(client.sendEvent({ body: 'a' }))
    expect(error).toMatchObject({ name: 'OperationTimeoutError', code: 'timeout', outcome: 'unknown' })
    expect(tookInMs).toBeGreaterThanOrEqual(395)
    expect(tookInMs).toBeLessThan(2500)
    expect(relay.sent.toString('latin1').match(/POST /g)).toHaveLength(1)
  })

  test('in the TLS handshake costs tryTimeoutInMs: there is no telling how far fetch got', async () => {
    const { port } = await silence()
    const client = new EventHubProducerClient(
      'ns.example.net',
      'events',
      { name: 'root', key: 'secret' },
      {
        transportType: 'https',
        customEndpointAddress: `127.0.0.1:${port}`,
        retryOptions: { ...noRetries, tryTimeoutInMs: 400 },
      },
    )
    clients.push(client)
    const { error, tookInMs } = await failure(client.sendEvent({ body: 'a' }))
    expect(error).toMatchObject({ code: 'timeout', outcome: 'unknown' })
    expect(tookInMs).toBeLessThan(2500)
  })
})

describe.each<TransportType>(['amqp', 'amqpOverWebSocket', 'https'])('%s, a credential', (transportType) => {
  // A credential that is no key belongs to the constructor, and there the wire has TLS.
  const authority = createPrivateAuthority('Timeouts')
  let secure: LocalHub
  beforeAll(async () => {
    secure = await startLocalHub({ tls: authority.issue(['localhost']) })
  })
  afterAll(() => secure.close())

  test('that gives no token costs authTimeoutInMs: nothing has left, and the text says what to check', async () => {
    const getToken = vi.fn(() => new Promise<never>(() => {}))
    const client = new EventHubProducerClient(
      'ns.example.net',
      'events',
      { getToken },
      {
        transportType,
        authTimeoutInMs: 300,
        retryOptions: noRetries,
        customEndpointAddress: `localhost:${transportType === 'amqp' ? secure.amqpsPort : secure.httpsPort}`,
        ...(transportType === 'https' ? {} : { tls: { ca: authority.ca } }),
      },
    )
    clients.push(client)
    const { error, tookInMs } = await failure(client.sendEvent({ body: 'a' }))
    expect(error).toMatchObject({ name: 'OperationTimeoutError', code: 'timeout', outcome: 'returned' })
    expect(error.message).toContain('authTimeoutInMs')
    expect(tookInMs).toBeGreaterThanOrEqual(295)
    expect(tookInMs).toBeLessThan(2500)
    expect(getToken).toHaveBeenCalledTimes(1)
  })

  test('that takes longer than any default is waited for with authTimeoutInMs 0, as long as the caller waits', async () => {
    const getToken = vi.fn(() => new Promise<never>(() => {}))
    const waits: number[] = []
    const clock = {
      ...systemClock,
      schedule: (delayInMs: number, callback: () => void) => {
        waits.push(delayInMs)
        return systemClock.schedule(delayInMs, callback)
      },
    }
    const client = new EventHubProducerClient(
      'ns.example.net',
      'events',
      { getToken },
      {
        transportType,
        clock,
        authTimeoutInMs: 0,
        retryOptions: { ...noRetries, tryTimeoutInMs: 100_000 },
        customEndpointAddress: `localhost:${transportType === 'amqp' ? secure.amqpsPort : secure.httpsPort}`,
        ...(transportType === 'https' ? {} : { tls: { ca: authority.ca } }),
      },
    )
    clients.push(client)
    const abort = new AbortController()
    const failed = failure(client.sendEvent({ body: 'a' }, { timeoutInMs: 90_000, abortSignal: abort.signal }))
    await vi.waitFor(() => expect(getToken).toHaveBeenCalled())
    abort.abort()
    expect((await failed).error).toMatchObject({ code: 'aborted', outcome: 'returned' })
    expect(Math.max(...waits)).toBeGreaterThan(89_000)
  })
})
