import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { EventHubConsumerClient, earliestEventPosition, type ReceivedEventData } from '@azure/event-hubs'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { systemClock } from '../../core/clock.js'
import {
  type EventHubError,
  EventHubProducerClient,
  type EventHubProducerClientOptions,
  type TransportType,
} from '../../core/index.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'
import { selfSignedCertificate } from './local-hub/certificate.js'

/** How long the process has been frozen: the wall clock shows it, timers and sockets do not. */
let sleptInMs = 0
const clients: EventHubProducerClient[] = []

afterEach(async () => {
  sleptInMs = 0
  await Promise.all(clients.splice(0).map((client) => client.close({ flush: false })))
})

/** A client over WebSocket, by default to this port of this machine, in the clear. */
function connect(port: number, options: EventHubProducerClientOptions = {}, key = 'secret'): EventHubProducerClient {
  const connectionString = `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=root;SharedAccessKey=${key};EntityPath=events;UseDevelopmentEmulator=true`
  const client = EventHubProducerClient.fromConnectionString(connectionString, {
    transportType: 'amqpOverWebSocket',
    retryOptions: { retryDelayInMs: 50 },
    clock: { ...systemClock, wallNow: () => systemClock.wallNow() + sleptInMs },
    ...options,
  })
  clients.push(client)
  return client
}

const errorOf = (promise: Promise<unknown>): Promise<EventHubError> =>
  promise.then(
    () => Promise.reject(new Error('It was expected to fail.')),
    (error) => error,
  )

describe('AMQP over WebSocket, to the local hub', () => {
  let hub: LocalHub
  beforeEach(async () => {
    hub = await startLocalHub({ claimScope: 'exact', sharedAccessKeys: { root: 'secret' } })
  })
  afterEach(() => hub.close())
  const bodies = () => hub.events('events').map((event) => event.body.toString())

  test('an event arrives with its body, properties and key', async () => {
    const client = connect(hub.httpPort)
    expect(client.transportName).toBe('amqpOverWebSocket')
    const event = {
      body: 'ä',
      contentType: 'text/plain',
      messageId: 'm',
      correlationId: 'c',
      properties: { n: 1, s: 't' },
    }
    await client.sendEvent(event, { partitionKey: 'k' })
    expect(hub.events('events')).toMatchObject([
      {
        partitionKey: 'k',
        applicationProperties: { n: 1, s: 't' },
        properties: { 'content-type': 'text/plain', 'message-id': 'm', 'correlation-id': 'c' },
      },
    ])
    expect(bodies()).toEqual(['ä'])
  })

  test('the management node answers', async () => {
    const client = connect(hub.httpPort)
    expect(await client.getPartitionIds()).toEqual(['0', '1', '2', '3'])
    expect(await client.getPartitionProperties('1')).toMatchObject({ isEmpty: true })
  })

  test('an invocation with many keys sends over one connection, every partition in order', async () => {
    const client = connect(hub.httpPort)
    const invocation = client.beginInvocation()
    for (let i = 0; i < 1000; i++) void invocation.sendEvent({ body: `${i}` }, { partitionKey: `key-${i % 50}` })
    expect(await invocation.end()).toMatchObject({ accepted: 1000, failures: [] })
    expect(hub.connections).toHaveLength(1)
    for (const partition of ['0', '1', '2', '3']) {
      const numbers = hub.events('events', partition).map((event) => Number(event.body))
      expect(numbers.length).toBeGreaterThan(0)
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
    }
    expect(bodies()).toHaveLength(1000)
  })

  test('messages of nearly 1 MiB arrive whole, several at once', async () => {
    const client = connect(hub.httpPort)
    const sent = ['0', '1', '2', '3'].map((partitionId) => {
      const body = Buffer.alloc(1024 * 1024 - 300, `${partitionId}abcdefg`)
      return { partitionId, body, done: client.sendEvent({ body }, { partitionId }) }
    })
    for (const { partitionId, body, done } of sent) {
      await done
      expect(hub.events('events', partitionId)[0]?.body.equals(body)).toBe(true)
    }
  })

  test('a hub that is down: an invocation returns within its deadline, nothing acknowledged', async () => {
    const { httpPort } = hub
    await hub.close()
    const invocation = connect(httpPort).beginInvocation({ timeoutInMs: 700, reserveInMs: 100 })
    const startedAt = performance.now()
    for (let i = 0; i < 20; i++) void invocation.sendEvent({ body: `${i}` }, { partitionKey: `${i}` })
    const report = await invocation.end()
    expect(performance.now() - startedAt).toBeLessThan(700)
    expect(report.accepted).toBe(0)
    expect(report.failures.map(({ index, outcome }) => [index, outcome])).toEqual(
      Array.from({ length: 20 }, (_, index) => [index, 'returned']),
    )
  })

  test('a connection that is dropped in mid-send fails the send at once, as unknown', async () => {
    const client = connect(hub.httpPort, { retryOptions: { maxRetries: 0 } })
    await client.sendEvent({ body: 'warm' }, { partitionId: '0' })
    hub.faults.dropAcknowledgements(1)
    const sent = errorOf(client.sendEvent({ body: 'a' }, { partitionId: '0' }))
    await expect.poll(bodies).toContain('a')
    hub.faults.destroyConnections()
    expect(await sent).toMatchObject({ code: 'connection-lost', outcome: 'unknown', retryable: true })
  })

  test('and with retries is sent again over a new one, in order', async () => {
    const client = connect(hub.httpPort)
    await client.sendEvent({ body: 'warm' }, { partitionId: '0' })
    hub.faults.dropAcknowledgements(1)
    const invocation = client.beginInvocation()
    void invocation.sendEvent({ body: 'a' }, { partitionId: '0' })
    const flushed = invocation.flush()
    void invocation.sendEvent({ body: 'b' }, { partitionId: '0' })
    await expect.poll(bodies).toContain('a')
    hub.faults.destroyConnections()
    expect((await flushed).accepted).toBe(1)
    expect((await invocation.end()).accepted).toBe(1)
    expect(bodies()).toEqual(['warm', 'a', 'a', 'b'])
  })

  test.each(['destroyConnections', 'forceCloseConnections'] as const)(
    'a connection lost while idle (%s) is replaced without the caller noticing',
    async (fault) => {
      const client = connect(hub.httpPort, { retryOptions: { maxRetries: 0 } })
      await client.sendEvent({ body: 'a' })
      hub.faults[fault]()
      await expect.poll(() => hub.connections.length).toBe(0)
      await client.sendEvent({ body: 'b' })
      expect(bodies().sort()).toEqual(['a', 'b'])
    },
  )

  test('a connection that is dead after a freeze costs about a second and no event', async () => {
    const client = connect(hub.httpPort)
    await client.sendEvent({ body: 'warm' }, { partitionId: '0' })
    hub.faults.silenceOpenConnections()
    sleptInMs = 75_000
    const startedAt = performance.now()
    const invocation = client.beginInvocation()
    void invocation.sendEvent({ body: 'a' }, { partitionId: '0' })
    expect(await invocation.end()).toMatchObject({ accepted: 1, failures: [] })
    expect(performance.now() - startedAt).toBeLessThan(2000)
    expect(bodies()).toEqual(['warm', 'a'])
  })

  test('close leaves nothing open at the hub', async () => {
    const client = connect(hub.httpPort)
    await client.sendEvent({ body: 'a' })
    await client.close()
    await expect.poll(() => hub.connections.length).toBe(0)
  })

  test('a wrong key is said so, over the open WebSocket', async () => {
    const client = connect(hub.httpPort, {}, 'wrong')
    await expect(client.sendEvent({ body: 'a' })).rejects.toMatchObject({ code: 'unauthorized', outcome: 'returned' })
  })
})

describe('AMQP over WebSocket and TLS', () => {
  const tls = selfSignedCertificate()
  const stranger = selfSignedCertificate()
  let hub: LocalHub
  beforeAll(async () => {
    hub = await startLocalHub({ tls, sharedAccessKeys: { root: 'secret' } })
  })
  afterAll(() => hub.close())

  function connectTls(hostname: string, options: EventHubProducerClientOptions): EventHubProducerClient {
    const client = new EventHubProducerClient(
      'ns.example.net',
      'events',
      { name: 'root', key: 'secret' },
      {
        transportType: 'amqpOverWebSocket',
        customEndpointAddress: `${hostname}:${hub.httpsPort}`,
        retryOptions: { maxRetries: 0 },
        ...options,
      },
    )
    clients.push(client)
    return client
  }

  test.each(['localhost', '127.0.0.1'])('%s, a private authority trusted: the event arrives', async (hostname) => {
    const before = hub.events('events').length
    await connectTls(hostname, { tls: { ca: tls.cert } }).sendEvent({ body: hostname })
    expect(hub.events('events')).toHaveLength(before + 1)
  })

  test('the key itself may travel (sasl: plain), since TLS covers it', async () => {
    await connectTls('localhost', { tls: { ca: tls.cert }, sasl: 'plain' }).sendEvent({ body: 'plain' })
    expect(hub.connections.some(({ saslMechanism }) => saslMechanism === 'PLAIN')).toBe(true)
  })

  test.each([
    ['not trusted', undefined, 'DEPTH_ZERO_SELF_SIGNED_CERT', 'tls.ca'],
    ['signed by someone else', { ca: stranger.cert }, 'DEPTH_ZERO_SELF_SIGNED_CERT', 'tls.ca'],
    [
      'for another name',
      { ca: tls.cert, servername: 'other.example.net' },
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'servername',
    ],
  ])('a certificate that is %s ends it before anything has left', async (_, tlsOption, condition, advice) => {
    const error = await errorOf(connectTls('localhost', tlsOption ? { tls: tlsOption } : {}).sendEvent({ body: 'no' }))
    expect(error).toMatchObject({ code: 'connection-lost', retryable: false, outcome: 'returned', condition })
    expect(error.message).toContain(advice)
  })

  test('the official client reads over WebSocket what ours has sent over WebSocket', async () => {
    const sent = Array.from({ length: 40 }, (_, i) => ({ body: Buffer.from(`${i}:`.padEnd(i * 977, 'z')), i }))
    const seen = hub.events('events', '3').length
    const invocation = connectTls('localhost', { tls: { ca: tls.cert } }).beginInvocation()
    for (const { body, i } of sent) {
      void invocation.sendEvent({ body, properties: { i } }, { partitionId: '3' })
    }
    expect(await invocation.end()).toMatchObject({ accepted: 40, failures: [] })

    const connectionString = `Endpoint=sb://127.0.0.1:${hub.httpsPort};SharedAccessKeyName=root;SharedAccessKey=secret;EntityPath=events`
    const consumer = new EventHubConsumerClient('$Default', connectionString, {
      webSocketOptions: { webSocket: WebSocket, webSocketConstructorOptions: { ca: tls.cert } },
    })
    const received: ReceivedEventData[] = []
    await new Promise<void>((resolve, reject) => {
      consumer.subscribe(
        '3',
        {
          processEvents: async (events) => {
            received.push(...events)
            if (received.length >= seen + sent.length) resolve()
          },
          processError: async (error) => reject(error),
        },
        { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 1, skipParsingBodyAsJson: true },
      )
    })
    // Its close takes seconds; the hub's own close ends it.
    void consumer.close().catch(() => {})
    expect(received.slice(seen).map(({ body, properties }) => [properties?.i, String(body)])).toEqual(
      sent.map(({ body, i }) => [i, String(body)]),
    )
  })
})

describe('the package ws', () => {
  const source = `
    import { EventHubProducerClient } from './core/index.js'
    const [connectionString, transportType, customEndpointAddress] = process.argv.slice(2)
    const client = EventHubProducerClient.fromConnectionString(connectionString, {
      transportType, customEndpointAddress, retryOptions: { maxRetries: 0 },
    })
    const ok = { code: 'accepted' }
    client.sendEvent({ body: transportType }).then(() => ok, (error) => error).then(async (result) => {
      await client.close()
      const { code, outcome, retryable, message } = result
      console.log(JSON.stringify({ code, outcome, retryable, message }))
    })`
  let hub: LocalHub
  let folder: string

  beforeAll(async () => {
    hub = await startLocalHub()
    folder = await mkdtemp(join(tmpdir(), 'sluice-websocket-'))
    const outfile = join(folder, 'without', 'app.cjs')
    await build({
      stdin: { contents: source, resolveDir: process.cwd(), loader: 'ts' },
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      conditions: ['sluice-source'],
      external: ['ws'],
      outfile,
      logLevel: 'silent',
    })
    await mkdir(join(folder, 'with', 'node_modules'), { recursive: true })
    await copyFile(outfile, join(folder, 'with', 'app.cjs'))
    await symlink(join(process.cwd(), 'node_modules/ws'), join(folder, 'with', 'node_modules/ws'))
  })
  afterAll(async () => {
    await hub.close()
    await rm(folder, { recursive: true })
  })

  /** One event from a process of its own, which must end by itself: far sooner than any timer of ws. */
  async function sendFromProcess(app: 'with' | 'without', transportType: TransportType): Promise<unknown> {
    const port = transportType === 'amqp' ? hub.amqpPort : hub.httpPort
    const args = ['app.cjs', hub.connectionStringFor('events'), transportType, `127.0.0.1:${port}`]
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: join(folder, app), timeout: 5000 })
    return JSON.parse(stdout)
  }

  test('is not needed, and so not loaded, where WebSocket is not asked for', async () => {
    expect(await sendFromProcess('without', 'amqp')).toMatchObject({ code: 'accepted' })
  })

  test('is asked for by name, with the command, when it is missing', async () => {
    expect(await sendFromProcess('without', 'amqpOverWebSocket')).toEqual({
      code: 'not-supported',
      outcome: 'returned',
      retryable: false,
      message: "transportType 'amqpOverWebSocket' needs the package ws. Install it: npm install ws",
    })
  })

  test('is used when it is there; a process that has closed its client ends at once', async () => {
    expect(await sendFromProcess('with', 'amqpOverWebSocket')).toMatchObject({ code: 'accepted' })
    expect(hub.events('events').map(({ body }) => String(body))).toContain('amqpOverWebSocket')
    expect(hub.connections).toEqual([])
  })
})
