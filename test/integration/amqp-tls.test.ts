import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { EventHubProducerClient } from '../../core/index.js'
import type { EventHubProducerClientOptions } from '../../core/options.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'
import { createPrivateAuthority } from '../support/private-authority.js'

const authority = createPrivateAuthority('A private authority')
const stranger = createPrivateAuthority('Somebody else')
const credential = { name: 'root', key: 'the-key-nobody-may-see' }

let hub: LocalHub
const clients: EventHubProducerClient[] = []

beforeAll(async () => {
  hub = await startLocalHub({
    tls: authority.issue(['localhost']),
    eventHubs: { events: { partitionCount: 2 } },
    sharedAccessKeys: { [credential.name]: credential.key },
    claimScope: 'exact',
  })
})
afterAll(() => hub.close())
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close({ flush: false })))
})

/** A client of a namespace that is served here, at the hub's TLS port. */
function connect(options: EventHubProducerClientOptions = {}): EventHubProducerClient {
  const client = new EventHubProducerClient('ns.example.net', 'events', credential, {
    customEndpointAddress: `localhost:${hub.amqpsPort}`,
    retryOptions: { retryDelayInMs: 20 },
    ...options,
  })
  clients.push(client)
  return client
}

const bodies = () => hub.events('events').map(({ body }) => body.toString())

/** What an invocation with one event reports of it, and how long that took. */
async function failureWith(options: EventHubProducerClientOptions) {
  const startedAt = performance.now()
  const invocation = connect(options).beginInvocation({ timeoutInMs: 5000 })
  void invocation.sendEvent({ body: 'must not arrive' })
  const { accepted, failures } = await invocation.end()
  expect(accepted).toBe(0)
  expect(failures).toHaveLength(1)
  expect(bodies()).not.toContain('must not arrive')
  return { failure: failures[0]!, tookInMs: performance.now() - startedAt }
}

describe('TLS with a private authority', () => {
  test('is accepted when tls.ca names it: events, keys and partitions go through', async () => {
    const client = connect({ tls: { ca: authority.ca } })
    await client.sendEvent({ body: 'direct' })
    const invocation = client.beginInvocation()
    for (const key of ['a', 'b', 'c']) void invocation.sendEvent({ body: key }, { partitionKey: key })
    expect(await invocation.end()).toMatchObject({ accepted: 3, failures: [] })
    expect(await client.getPartitionIds()).toEqual(['0', '1'])
    expect(bodies().sort()).toEqual(['a', 'b', 'c', 'direct'])
    expect(hub.connections).toHaveLength(1)
  })

  test('carries a message of several frames', async () => {
    const large = 'x'.repeat(300_000)
    await connect({ tls: { ca: authority.ca } }).sendEvent({ body: large }, { partitionId: '1' })
    expect(hub.events('events', '1').at(-1)?.body.toString()).toBe(large)
  })

  test.each([
    ['without it', {}],
    ['with another one', { tls: { ca: stranger.ca } }],
  ])('is refused %s: certainly not delivered, not retried, and the error says what to do', async (_, options) => {
    const { failure, tookInMs } = await failureWith(options)
    expect(failure).toMatchObject({
      outcome: 'returned',
      error: { code: 'connection-lost', retryable: false, condition: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
    })
    expect(failure.error.message).toContain(`localhost:${hub.amqpsPort}`)
    expect(failure.error.message).toContain('tls.ca')
    expect(failure.error.message).not.toContain(credential.key)
    // Far from the deadline: it was not tried over and over.
    expect(tookInMs).toBeLessThan(2500)
  })

  test('is refused under a name that the certificate does not have', async () => {
    const elsewhere = await startLocalHub({
      tls: authority.issue(['elsewhere.example.net']),
      sharedAccessKeys: { [credential.name]: credential.key },
    })
    try {
      const customEndpointAddress = `localhost:${elsewhere.amqpsPort}`
      const tls = { ca: authority.ca }
      const { failure, tookInMs } = await failureWith({ customEndpointAddress, tls })
      expect(failure).toMatchObject({
        outcome: 'returned',
        error: { code: 'connection-lost', retryable: false, condition: 'ERR_TLS_CERT_ALTNAME_INVALID' },
      })
      expect(failure.error.message).toContain('tls.servername')
      expect(tookInMs).toBeLessThan(2500)
      expect(elsewhere.events('events')).toEqual([])
      // The name that it has, said on purpose, is as good as its own.
      const named = connect({ customEndpointAddress, tls: { ...tls, servername: 'elsewhere.example.net' } })
      await named.sendEvent({ body: 'through' })
      expect(elsewhere.events('events')).toHaveLength(1)
    } finally {
      await elsewhere.close()
    }
  })

  test('cannot be had without its verification', () => {
    const options = { tls: { ca: authority.ca, rejectUnauthorized: false as true } }
    expect(() => connect(options)).toThrow(TypeError)
    expect(() => connect(options)).toThrow('tls.ca')
  })

  test('is not spoken to a port that speaks none: an error within the deadline, nothing delivered', async () => {
    const { failure } = await failureWith({
      customEndpointAddress: `localhost:${hub.amqpPort}`,
      tls: { ca: authority.ca },
      retryOptions: { maxRetries: 1, retryDelayInMs: 20 },
      socketTimeoutInMs: 1000,
    })
    expect(failure.outcome).toBe('returned')
    expect(failure.error.message).toContain(`localhost:${hub.amqpPort}`)
  })
})

describe('SASL PLAIN', () => {
  const developmentString = (key = credential.key) =>
    `Endpoint=sb://127.0.0.1:${hub.amqpPort};SharedAccessKeyName=root;SharedAccessKey=${key};EntityPath=events;UseDevelopmentEmulator=true`

  function connectPlain(key?: string): EventHubProducerClient {
    const client = EventHubProducerClient.fromConnectionString(developmentString(key), {
      sasl: 'plain',
      retryOptions: { retryDelayInMs: 20 },
    })
    clients.push(client)
    return client
  }

  test('over loopback needs no TLS and no token: the connection itself carries the rights', async () => {
    const client = connectPlain()
    await client.sendEvent({ body: 'plain' }, { partitionId: '0' })
    expect(await client.getPartitionIds()).toEqual(['0', '1'])
    expect(hub.events('events', '0').at(-1)?.body.toString()).toBe('plain')
    expect(hub.connections.map(({ saslMechanism }) => saslMechanism)).toEqual(['PLAIN'])
    // Nothing was put to $cbs: the one claim is that of the password, for the whole namespace.
    expect(hub.connections[0]?.claims.map(({ path }) => path)).toEqual([''])
  })

  test('over TLS works as well', async () => {
    await connect({ tls: { ca: authority.ca }, sasl: 'plain' }).sendEvent({ body: 'plain over TLS' })
    expect(bodies()).toContain('plain over TLS')
    expect(hub.connections.map(({ saslMechanism }) => saslMechanism)).toEqual(['PLAIN'])
  })

  test('with a wrong key is refused, not retried, and the key is not shown', async () => {
    const startedAt = performance.now()
    const error: Error & { code?: string; retryable?: boolean; outcome?: string } = await connectPlain('a-wrong-key')
      .sendEvent({ body: 'must not arrive' }, { timeoutInMs: 5000 })
      .then(
        () => Promise.reject(new Error('It was accepted.')),
        (thrown) => thrown,
      )
    expect(error).toMatchObject({ code: 'unauthorized', retryable: false, outcome: 'returned' })
    expect(`${error.message}${error.stack}`).not.toContain('a-wrong-key')
    expect(performance.now() - startedAt).toBeLessThan(2500)
    expect(bodies()).not.toContain('must not arrive')
  })

  test('without TLS leaves no machine but this one: refused at construction', () => {
    const away = developmentString().replace('127.0.0.1', 'hub.example.net')
    expect(() => EventHubProducerClient.fromConnectionString(away, { sasl: 'plain' })).toThrow(/loopback/)
  })

  test('needs a key to send: refused at construction for other credentials', () => {
    const other = { signature: 'SharedAccessSignature sr=x&sig=y&se=1900000000&skn=z' }
    expect(() => new EventHubProducerClient('ns.example.net', 'events', other, { sasl: 'plain' })).toThrow(/named key/)
  })
})

test('a client that closes leaves no connection behind, over TLS too', async () => {
  const client = connect({ tls: { ca: authority.ca } })
  await client.sendEvent({ body: 'last' })
  await client.close()
  await expect.poll(() => hub.connections.length).toBe(0)
})
