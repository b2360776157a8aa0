import { Socket } from 'node:net'
import rhea, { type EventContext } from 'rhea'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { amqpTransport } from '../../core/amqp/index.js'
import { createTokenSource } from '../../core/auth/token-cache.js'
import { systemClock } from '../../core/clock.js'
import { EventHubProducerClient } from '../../core/index.js'
import type { EventHubProducerClientOptions } from '../../core/options.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'
import { type Relay, startRelay } from '../support/relay.js'

let hub: LocalHub
/** How long the process has been frozen: the wall clock shows it, timers and sockets do not. */
let sleptInMs = 0
const clients: EventHubProducerClient[] = []

beforeEach(async () => {
  sleptInMs = 0
  hub = await startLocalHub({ claimScope: 'exact' })
})
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close({ flush: false })))
  await hub.close()
})

function connect(
  options: EventHubProducerClientOptions = {},
  connectionString = hub.connectionString,
): EventHubProducerClient {
  const client = EventHubProducerClient.fromConnectionString(connectionString, {
    retryOptions: { retryDelayInMs: 50 },
    clock: { ...systemClock, wallNow: () => systemClock.wallNow() + sleptInMs },
    ...options,
  })
  clients.push(client)
  return client
}

const bodies = () => hub.events('events').map((event) => event.body.toString())

describe('an invocation', () => {
  test('whose hub is down returns within its deadline, every event reported, nothing acknowledged', async () => {
    const { connectionString } = hub
    await hub.close()
    const client = connect({}, connectionString)
    const startedAt = performance.now()
    const invocation = client.beginInvocation({ timeoutInMs: 1500, reserveInMs: 300 })
    for (let i = 0; i < 50; i++) void invocation.sendEvent({ body: `${i}` }, i % 2 ? { partitionKey: `${i}` } : {})
    const report = await invocation.end()
    expect(performance.now() - startedAt).toBeLessThan(1500)
    expect(report.accepted).toBe(0)
    expect(report.failures.map((failure) => failure.index)).toEqual(Array.from({ length: 50 }, (_, i) => i))
    for (const { outcome, error } of report.failures) {
      expect(outcome).toBe('returned')
      expect(['connection-lost', 'timeout']).toContain(error.code)
    }
    hub = await startLocalHub()
  })

  test('whose hub falls silent returns within its deadline; what had left is unknown', async () => {
    const client = connect()
    await client.sendEvent({ body: 'warm' }, { partitionId: '0' })
    hub.faults.silence = true
    const startedAt = performance.now()
    const invocation = client.beginInvocation({ timeoutInMs: 700, reserveInMs: 100 })
    void invocation.sendEvent({ body: 'a' }, { partitionId: '0' })
    const report = await invocation.end()
    expect(performance.now() - startedAt).toBeLessThan(700)
    expect(report.failures.map((failure) => failure.outcome)).toEqual(['unknown'])
    hub.faults.silence = false
    // The connection those bytes sit in is not used again.
    await client.sendEvent({ body: 'b' }, { partitionId: '0' })
    expect(bodies()).toContain('b')
  })

  test('cold, with many keys, needs one connection and attaches the partitions side by side', async () => {
    const client = connect()
    const invocation = client.beginInvocation()
    for (let i = 0; i < 200; i++) void invocation.sendEvent({ body: `${i}` }, { partitionKey: `${i}` })
    expect(await invocation.end()).toMatchObject({ accepted: 200, failures: [] })
    expect(hub.connections).toHaveLength(1)
    expect(bodies()).toHaveLength(200)
  })
})

describe('a connection that is lost', () => {
  test('while idle is replaced without the caller noticing', async () => {
    const client = connect({ retryOptions: { maxRetries: 0 } })
    await client.sendEvent({ body: 'a' })
    hub.faults.destroyConnections()
    await expect.poll(() => hub.connections.length).toBe(0)
    await client.sendEvent({ body: 'b' })
    expect(bodies().sort()).toEqual(['a', 'b'])
  })

  test('by a forced close is replaced as well', async () => {
    const client = connect({ retryOptions: { maxRetries: 0 } })
    await client.sendEvent({ body: 'a' })
    hub.faults.forceCloseConnections()
    await expect.poll(() => hub.connections.length).toBe(0)
    await client.sendEvent({ body: 'b' })
    expect(bodies().sort()).toEqual(['a', 'b'])
  })

  test('in the middle of a send fails it at once, as unknown', async () => {
    const client = connect({ retryOptions: { maxRetries: 0 } })
    await client.sendEvent({ body: 'warm' }, { partitionId: '0' })
    hub.faults.dropAcknowledgements(1)
    const startedAt = performance.now()
    const sent = client.sendEvent({ body: 'a' }, { partitionId: '0' })
    await expect.poll(() => bodies()).toContain('a')
    hub.faults.destroyConnections()
    await expect(sent).rejects.toMatchObject({ code: 'connection-lost', outcome: 'unknown', retryable: true })
    expect(performance.now() - startedAt).toBeLessThan(2000)
  })

  test('in the middle of a send is retried on a new one, in order', async () => {
    const client = connect()
    await client.sendEvent({ body: 'warm' }, { partitionId: '0' })
    hub.faults.dropAcknowledgements(1)
    const invocation = client.beginInvocation()
    void invocation.sendEvent({ body: 'a' }, { partitionId: '0' })
    const flushed = invocation.flush()
    void invocation.sendEvent({ body: 'b' }, { partitionId: '0' })
    await expect.poll(() => bodies()).toContain('a')
    hub.faults.destroyConnections()
    expect((await flushed).accepted).toBe(1)
    expect((await invocation.end()).accepted).toBe(1)
    // At least once: the lost acknowledgement makes one copy too many, and nothing overtakes.
    expect(bodies()).toEqual(['warm', 'a', 'a', 'b'])
  })
})

describe('a connection after a freeze', () => {
  test('that is dead without a word costs about a second and no event', async () => {
    const client = connect()
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

  test('that is alive, far away and has partitions claimed already is given its round trips to prove it', async () => {
    const client = connect({ partitionIds: ['0', '1', '2', '3'] })
    hub.faults.latencyInMs = 300
    await client.sendEvent({ body: 'a' }, { partitionId: '0' })
    // Its claim holds by now: finding that out is no round trip.
    await expect.poll(() => hub.connections[0]?.claims.length, { timeout: 3000 }).toBe(4)
    await client.sendEvent({ body: 'b' }, { partitionId: '1' })
    const [first] = hub.connections
    sleptInMs = 60_000
    await client.sendEvent({ body: 'c' }, { partitionId: '1' })
    expect(hub.connections.map(({ id }) => id)).toEqual([first?.id])
  })

  test('that is alive proves it, and is used on', async () => {
    const client = connect()
    await client.sendEvent({ body: 'warm' }, { partitionId: '0' })
    const [before] = hub.connections
    sleptInMs = 75_000
    await client.sendEvent({ body: 'a' }, { partitionId: '0' })
    expect(hub.connections.map((connection) => connection.id)).toEqual([before?.id])
  })
})

describe('a peer that falls silent in the middle of the traffic', () => {
  test('has to prove itself after a second; the send goes again on a new connection', async () => {
    const client = connect()
    await client.sendEvent({ body: 'warm' }, { partitionId: '0' })
    hub.faults.silenceOpenConnections()
    const invocation = client.beginInvocation({ timeoutInMs: 6000 })
    void invocation.sendEvent({ body: 'a' }, { partitionId: '0' })
    expect(await invocation.end()).toMatchObject({ accepted: 1, failures: [] })
    expect(bodies()).toEqual(['warm', 'a'])
  })

  test('is not taken for dead while only an acknowledgement is late', async () => {
    const client = connect()
    await client.sendEvent({ body: 'warm' }, { partitionId: '0' })
    const [before] = hub.connections
    hub.faults.dropAcknowledgements(1)
    const late = client.sendEvent({ body: 'a' }, { partitionId: '0', timeoutInMs: 1500 })
    await expect(late).rejects.toMatchObject({ outcome: 'unknown' })
    expect(hub.connections.map((connection) => connection.id)).toEqual([before?.id])
  })
})

describe('a link that the service closes', () => {
  test('for want of a claim is tried once more with a fresh one', async () => {
    const client = connect({ retryOptions: { maxRetries: 1, retryDelayInMs: 10 } })
    await client.sendEvent({ body: 'warm' }, { partitionId: '0' })
    hub.faults.detachNext({ condition: 'amqp:unauthorized-access', description: 'ExpiredToken' })
    await client.sendEvent({ body: 'a' }, { partitionId: '0' })
    expect(bodies()).toEqual(['warm', 'a'])
  })

  test.each(['$cbs', '$management'])('is opened anew when it is %s', async (address) => {
    const client = connect({ retryOptions: { maxRetries: 0 } })
    await client.sendEvent({ body: 'a' }, { partitionId: '0' })
    await client.getPartitionIds()
    const [before] = hub.connections
    hub.faults.detachLinks({ address })
    await expect.poll(() => hub.connections[0]?.links.some((link) => link.address === address)).toBe(false)
    // Its answer comes behind the detach on the same connection, so that the client has read that by then.
    await client.sendEvent({ body: 'a' }, { partitionId: '0' })
    await client.sendEvent({ body: 'b' }, { partitionId: '1' })
    expect(await client.getPartitionIds()).toHaveLength(4)
    expect(hub.connections.map((connection) => connection.id)).toEqual([before?.id])
  })

  test('fails its send at once and is attached anew for the next', async () => {
    const client = connect()
    await client.sendEvent({ body: 'warm' }, { partitionId: '1' })
    hub.faults.detachLinks({ condition: 'amqp:link:detach-forced', description: 'idle' })
    await client.sendEvent({ body: 'a' }, { partitionId: '1' })
    expect(bodies().sort()).toEqual(['a', 'warm'])
    expect(hub.connections).toHaveLength(1)
  })
})

describe('an acceptance that arrives together with', () => {
  let relay: Relay
  beforeEach(async () => {
    relay = await startRelay(hub.amqpPort)
  })
  afterEach(() => relay.close())

  test.each([
    ['the end of its link', () => hub.faults.detachLinks()],
    ['the end of its connection', () => hub.faults.forceCloseConnections()],
  ])('%s counts: its event is not sent again', async (_what, end) => {
    const client = connect({}, hub.connectionString.replace(`:${hub.amqpPort}`, `:${relay.port}`))
    await client.sendEvent({ body: 'warm' }, { partitionId: '0' })
    const release = relay.hold()
    const answered = relay.answered.length
    const sent = client.sendEvent({ body: 'a' }, { partitionId: '0' })
    await expect.poll(() => relay.answered.length).toBeGreaterThan(answered)
    const accepted = relay.answered.length
    end()
    await expect.poll(() => relay.answered.length).toBeGreaterThan(accepted)
    release()
    await sent
    expect(bodies()).toEqual(['warm', 'a'])
  })
})

describe('refusals', () => {
  test('a wrong key is said so, fast, and not retried for ever', async () => {
    const wrong = hub.connectionString.replace(/SharedAccessKey=[^;]+/, `SharedAccessKey=${btoa('wrong key')}`)
    const client = connect({}, wrong)
    const error = await client.sendEvent({ body: 'a' }).catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'unauthorized', retryable: false, outcome: 'returned' })
    expect(error.message).toMatch(/Send right/)
    expect(error.message).not.toContain(btoa('wrong key'))
  })

  test('an unknown event hub is said so', async () => {
    const client = connect({}, hub.connectionString.replace('EntityPath=events', 'EntityPath=nowhere'))
    await expect(client.sendEvent({ body: 'a' })).rejects.toMatchObject({ code: 'entity-not-found' })
    const error = await client.getEventHubProperties().catch((thrown) => thrown)
    expect(error.message).toMatch(/'nowhere' could not be found\. Check the names/)
  })

  test('an unknown partition is refused by the service when the ids are not known here', async () => {
    const client = connect()
    await expect(client.sendEvent({ body: 'a' }, { partitionId: '99' })).rejects.toMatchObject({
      code: 'argument-error',
    })
  })

  test('a busy service is given its time and asked again', async () => {
    const client = connect()
    await client.sendEvent({ body: 'warm' }, { partitionId: '0' })
    hub.faults.rejectNext({ condition: 'amqp:internal-error', count: 2 })
    await client.sendEvent({ body: 'a' }, { partitionId: '0' })
    expect(bodies()).toEqual(['warm', 'a'])
  })

  test('a smaller limit than assumed is learnt from the link; full batches are split, none is lost', async () => {
    const small = await startLocalHub({ maxMessageSizeInBytes: 64 * 1024 })
    const client = connect({ partitionIds: ['0', '1', '2', '3'] }, small.connectionString)
    const invocation = client.beginInvocation()
    for (let i = 0; i < 300; i++) void invocation.sendEvent({ body: `${i}:`.padEnd(1000, 'x') }, { partitionId: '0' })
    expect(await invocation.end()).toMatchObject({ accepted: 300, failures: [] })
    const order = small.events('events').map((event) => Number(event.body.toString().split(':')[0]))
    expect(order).toEqual(Array.from({ length: 300 }, (_, i) => i))
    await expect(client.sendEvent({ body: 'x'.repeat(100_000) }, { partitionId: '0' })).rejects.toMatchObject({
      code: 'event-too-large',
      outcome: 'refused',
    })
    await client.close()
    await small.close()
  })
})

test('a frame that makes no sense fails the connection, not the process', async () => {
  const server = rhea.create_container()
  // A flow for a link that does not exist.
  server.on('connection_open', ({ connection }: EventContext) => {
    const { socket } = connection as unknown as { socket: Socket }
    socket.write(Buffer.from('0000001602000000005313c00905435264435264' + '52c8', 'hex'))
  })
  server.on('disconnected', () => {})
  const listening = server.listen({ port: 0, host: '127.0.0.1' })
  await new Promise((resolve) => listening.once('listening', resolve))
  const { port } = listening.address() as { port: number }
  const client = connect(
    { retryOptions: { maxRetries: 0 } },
    hub.connectionString.replace(`:${hub.amqpPort}`, `:${port}`),
  )
  await expect(client.sendEvent({ body: 'a' })).rejects.toMatchObject({ code: 'protocol-error', outcome: 'returned' })
  await new Promise((resolve) => listening.close(resolve))
})

test('an acknowledgement that never comes does not stop the others, however many there are', async () => {
  const client = connect({ retryOptions: { maxRetries: 0 } })
  hub.faults.dropAcknowledgements(1)
  await expect(client.sendEvent({ body: 'lost' }, { timeoutInMs: 300 })).rejects.toMatchObject({ outcome: 'unknown' })
  for (let i = 0; i < 40; i++) {
    await Promise.all(Array.from({ length: 60 }, () => client.sendEvent({ body: 'x' }, { partitionId: '0' })))
  }
  expect(bodies()).toHaveLength(2401)
})

test('many waits on one signal are one listener', async () => {
  const warnings: Error[] = []
  const onWarning = (warning: Error) => warnings.push(warning)
  process.on('warning', onWarning)
  const client = connect()
  const { signal } = new AbortController()
  await Promise.all(
    Array.from({ length: 40 }, (_, i) =>
      client.sendEvent({ body: 'a' }, { partitionId: `${i % 4}`, abortSignal: signal }),
    ),
  )
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', onWarning)
  expect(warnings).toEqual([])
})

test('after close no timer waits for a credential that hangs', async () => {
  const timers = new Set<object>()
  const schedule = (delayInMs: number, callback: () => void) => {
    const timer = {}
    timers.add(timer)
    const cancel = systemClock.schedule(delayInMs, () => {
      timers.delete(timer)
      callback()
    })
    return () => {
      timers.delete(timer)
      cancel()
    }
  }
  let wasAsked = false
  const getToken = () => {
    wasAsked = true
    return new Promise<never>(() => {})
  }
  const client = connect({
    clock: { ...systemClock, schedule },
    transportType: (context) =>
      amqpTransport({
        ...context,
        tokens: createTokenSource({ getToken }, { clock: context.clock, authTimeoutInMs: 60_000 }),
      }),
  })
  const sent = client.sendEvent({ body: 'a' }, { partitionId: '0' })
  sent.catch(() => {})
  await expect.poll(() => wasAsked).toBe(true)
  await client.close({ flush: false })
  await expect(sent).rejects.toMatchObject({ code: 'client-closed' })
  expect(timers.size).toBe(0)
})

test('after close nothing is left open at the hub', async () => {
  const client = connect()
  await client.sendEvent({ body: 'a' })
  await client.close()
  await expect.poll(() => hub.connections.length).toBe(0)
})

describe('a peer that falls silent right after it spoke', () => {
  // Nothing is suspected yet, and nothing is in flight: what waits is a link that is to be attached, or a request.
  test.each<[string, (client: EventHubProducerClient) => Promise<unknown>]>([
    ['a send that needs a link of its own', (client) => client.sendEvent({ body: 'b' }, { partitionId: '2' })],
    ['a question about a partition', (client) => client.getPartitionProperties('2')],
  ])('delays %s by seconds, not by a whole try', async (_what, use) => {
    const client = connect()
    await client.sendEvent({ body: 'a' }, { partitionId: '0' })
    hub.faults.silenceOpenConnections()
    const startedAt = performance.now()
    await use(client)
    expect(performance.now() - startedAt).toBeLessThan(5000)
  })
})

describe('a handshake that falls silent', () => {
  test('is begun anew within seconds, for whoever waits', async () => {
    hub.faults.silence = true
    const client = connect()
    const startedAt = performance.now()
    const sent = client.sendEvent({ body: 'a' })
    // Whoever came first is deaf for good; the next connection is answered.
    await expect.poll(() => hub.connections.length).toBe(1)
    hub.faults.silence = false
    await sent
    expect(performance.now() - startedAt).toBeLessThan(6000)
    expect(hub.connections.length).toBeGreaterThan(0)
  })

  test('and was left behind by an invocation is not what the next one waits for', async () => {
    hub.faults.silence = true
    const client = connect()
    const first = client.beginInvocation({ timeoutInMs: 1500, reserveInMs: 0 })
    void first.sendEvent({ body: 'a' })
    expect((await first.end()).failures.map(({ outcome }) => outcome)).toEqual(['returned'])
    hub.faults.silence = false
    const second = client.beginInvocation({ timeoutInMs: 5000, reserveInMs: 0 })
    void second.sendEvent({ body: 'b' })
    expect(await second.end()).toMatchObject({ accepted: 1, failures: [] })
  })

  test('is waited for longer each time, so that a slow network gets through', async () => {
    // The first answer takes longer than the first handshake is given.
    hub.faults.latencyInMs = 2500
    const client = connect({ retryOptions: { maxRetries: 0 } })
    const sent = client.sendEvent({ body: 'slow' })
    const isAnswered = () => hub.connections.some(({ saslMechanism }) => saslMechanism !== undefined)
    await expect.poll(isAnswered, { timeout: 9000 }).toBe(true)
    hub.faults.latencyInMs = 0
    await sent
    expect(bodies()).toContain('slow')
  }, 15_000)
})

describe('a connection', () => {
  test('claims every partition as soon as the ids are known, so that the first event to each need not', async () => {
    const client = connect({ partitionIds: ['0', '1', '2', '3'] })
    await client.sendEvent({ body: 'a' }, { partitionId: '0' })
    const paths = () => (hub.connections[0]?.claims ?? []).map((claim) => claim.path)
    await expect.poll(paths).toEqual(expect.arrayContaining([0, 1, 2, 3].map((id) => `events/partitions/${id}`)))

    // Or once the service has named them.
    const asking = connect()
    await asking.getPartitionIds()
    const asked = () => (hub.connections[1]?.claims ?? []).map((claim) => claim.path)
    await expect.poll(asked).toEqual(expect.arrayContaining([0, 1, 2, 3].map((id) => `events/partitions/${id}`)))
  })

  test('writes a batch to its socket from where it lies', async () => {
    const client = connect()
    await client.sendEvent({ body: 'warm' }, { partitionId: '0' })
    const write = vi.spyOn(Socket.prototype, 'write')
    await client.sendEvent({ body: 'x'.repeat(300_000) }, { partitionId: '0' })
    const large = write.mock.calls.map(([chunk]) => chunk as unknown as Buffer).filter((chunk) => chunk.length > 60_000)
    write.mockRestore()
    expect(large.length).toBeGreaterThan(3)
    expect(new Set(large.map((chunk) => chunk.buffer)).size).toBe(1)
  })
})
