import { createRequire } from 'node:module'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createSharedAccessSignature } from '../../core/auth/sas.js'
import {
  type EventHubCredential,
  EventHubProducerClient,
  type EventHubProducerClientOptions,
  type TransportType,
} from '../../core/index.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'
import { type ConnectProxy, startConnectProxy } from '../support/connect-proxy.js'
import { createPrivateAuthority } from '../support/private-authority.js'

// What Azure's own SDKs hand out; a dependency of theirs, so reached by its file path.
const { AzureNamedKeyCredential, AzureSASCredential } = createRequire(import.meta.url)(
  '../../node_modules/@azure/core-auth/dist/commonjs/index.js',
) as {
  AzureNamedKeyCredential: new (name: string, key: string) => NamedKey
  AzureSASCredential: new (signature: string) => Signature
}
interface NamedKey {
  readonly name: string
  readonly key: string
  update(name: string, key: string): void
}
interface Signature {
  readonly signature: string
  update(signature: string): void
}

const namespace = 'ns.example.net'
const [oldKey, newKey] = ['dGhlIG9sZCBrZXk=', 'dGhlIG5ldyBrZXk=']
const authority = createPrivateAuthority('Credentials')
const goodTokens = new Set<string>()

let hub: LocalHub
let proxy: ConnectProxy
const clients: EventHubProducerClient[] = []

beforeEach(async () => {
  goodTokens.clear()
  hub = await startLocalHub({
    tls: authority.issue(['localhost']),
    sharedAccessKeys: { root: oldKey },
    claimScope: 'exact',
    acceptJwt: (token) => goodTokens.has(token),
  })
  proxy = await startConnectProxy()
})
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close({ flush: false })))
  await proxy.close()
  await hub.close()
})

function connect(credential: EventHubCredential, transportType: TransportType): EventHubProducerClient {
  const port = transportType === 'amqp' ? hub.amqpsPort : hub.httpsPort
  const options: EventHubProducerClientOptions = {
    transportType,
    customEndpointAddress: `localhost:${port}`,
    tls: { ca: authority.ca },
    retryOptions: { maxRetries: 0 },
    // In Node, fetch trusts what the process trusts; through a proxy, `tls` says what to trust.
    ...(transportType === 'https' ? { httpProxy: { hostname: '127.0.0.1', port: proxy.port } } : {}),
  }
  const client = new EventHubProducerClient(namespace, 'events', credential, options)
  clients.push(client)
  return client
}

/** What a connection has claimed it keeps: a new one has to claim anew. */
async function endConnections(): Promise<void> {
  hub.faults.destroyConnections()
  await expect.poll(() => hub.connections.length).toBe(0)
}

const stored = () => hub.events('events').map(({ body }) => body.toString())
const refused = { code: 'unauthorized', retryable: false, message: expect.stringMatching(/key/) }

describe.each<TransportType>(['amqp', 'amqpOverWebSocket', 'https'])('over %s, without a new client,', (type) => {
  test('a named key that is replaced is signed with from then on', async () => {
    const credential = new AzureNamedKeyCredential('root', oldKey)
    const client = connect(credential, type)
    await client.sendEvent({ body: 'by the old key' })

    hub.replaceSharedAccessKey('root', newKey)
    await endConnections()
    await expect(client.sendEvent({ body: 'lost' })).rejects.toMatchObject(refused)
    credential.update('root', newKey)
    await client.sendEvent({ body: 'by the new key' })
    expect(stored().sort()).toEqual(['by the new key', 'by the old key'])
  })

  test('a signature that is replaced is used from then on', async () => {
    const scheme = type === 'https' ? 'https' : 'sb'
    const sign = (key: string) =>
      createSharedAccessSignature(`${scheme}://${namespace}/events`, 'root', key, Math.ceil(Date.now() / 1000) + 3600)
    const credential = new AzureSASCredential(await sign(oldKey))
    const client = connect(credential, type)
    await client.sendEvent({ body: 'by the old key' })

    hub.replaceSharedAccessKey('root', newKey)
    await endConnections()
    await expect(client.sendEvent({ body: 'lost' })).rejects.toMatchObject(refused)
    credential.update(await sign(newKey))
    await client.sendEvent({ body: 'by the new key' })
    expect(stored().sort()).toEqual(['by the new key', 'by the old key'])
  })

  test('a token that the service takes no more is asked for anew, and the send goes through', async () => {
    let issued = 0
    const getToken = vi.fn(async () => ({ token: `token-${++issued}`, expiresOnTimestamp: Date.now() + 3_600_000 }))
    goodTokens.add('token-1')
    const client = connect({ getToken }, type)
    await client.sendEvent({ body: 'by the first' })
    await client.sendEvent({ body: 'again' })
    expect(getToken).toHaveBeenCalledTimes(1)

    goodTokens.clear()
    goodTokens.add('token-2')
    await endConnections()
    await client.sendEvent({ body: 'by the second' })
    expect(getToken).toHaveBeenCalledTimes(2)
    expect(stored().sort()).toEqual(['again', 'by the first', 'by the second'])
  })
})

describe.each<TransportType>(['amqp', 'amqpOverWebSocket', 'https'])(
  'over %s, a connection string',
  (transportType) => {
    const endpoint = () =>
      `Endpoint=sb://127.0.0.1:${transportType === 'amqp' ? hub.amqpPort : hub.httpPort};EntityPath=events;UseDevelopmentEmulator=true`
    const fromText = (text: string) => {
      const client = EventHubProducerClient.fromConnectionString(text, {
        transportType,
        retryOptions: { maxRetries: 0 },
      })
      clients.push(client)
      return client
    }

    test('with a key sends, to a development hub without TLS', async () => {
      await fromText(`${endpoint()};SharedAccessKeyName=root;SharedAccessKey=${oldKey}`).sendEvent({ body: 'a' })
      expect(stored()).toEqual(['a'])
    })

    test('with a signature sends, as long as that is good', async () => {
      const scheme = transportType === 'https' ? 'http' : 'sb'
      const signed = await createSharedAccessSignature(`${scheme}://127.0.0.1/events`, 'root', oldKey, 9_999_999_999)
      const client = fromText(`${endpoint()};SharedAccessSignature=${signed}`)
      await client.sendEvent({ body: 'a' })
      expect(stored()).toEqual(['a'])
      const ended = signed.replace('se=9999999999', 'se=1')
      const late = fromText(`${endpoint()};SharedAccessSignature=${ended}`)
      await expect(late.sendEvent({ body: 'b' })).rejects.toMatchObject({
        code: 'unauthorized',
        outcome: 'returned',
        message: expect.stringContaining('Create a new one'),
      })
      expect(stored()).toEqual(['a'])
    })
  },
)
