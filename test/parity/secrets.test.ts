import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  type EventHubError,
  EventHubProducerClient,
  type EventHubProducerClientOptions,
  type TransportType,
} from '../../core/index.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'
import { linesOf } from '../support/lines.js'
import { createPrivateAuthority } from '../support/private-authority.js'
import { everythingShownBy } from '../support/thrown.js'

const key = 'c2VjcmV0LWtleS1ub2JvZHktbWF5LXNlZQ=='
const wrongKey = 'd3JvbmcgYnV0IHN0aWxsIGEgc2VjcmV0'
const secretBody = 'a body that nobody but the event hub may see'
const secretProperty = 'a property that nobody but the event hub may see'
const secretToken = 'eyJhbGciOiJub25lIn0.the-token-nobody-may-see'

const authority = createPrivateAuthority('Secrets')
let hub: LocalHub
const clients: EventHubProducerClient[] = []

beforeAll(async () => {
  hub = await startLocalHub({
    tls: authority.issue(['localhost']),
    sharedAccessKeys: { root: key },
    maxMessageSizeInBytes: 50_000,
  })
})
afterAll(() => hub.close())
afterEach(async () => {
  hub.faults.reset()
  await Promise.all(clients.splice(0).map((client) => client.close({ flush: false })))
})

const transportTypes: TransportType[] = ['amqp', 'amqpOverWebSocket', 'https']

interface Target {
  readonly port: number
  readonly key?: string
  readonly eventHubName?: string
}

function connect(target: Target, options: EventHubProducerClientOptions): EventHubProducerClient {
  const text = `Endpoint=sb://127.0.0.1:${target.port};SharedAccessKeyName=root;SharedAccessKey=${target.key ?? key};EntityPath=${target.eventHubName ?? 'events'};UseDevelopmentEmulator=true`
  const client = EventHubProducerClient.fromConnectionString(text, options)
  clients.push(client)
  return client
}

describe.each(transportTypes)('over %s, whatever happens,', (transportType) => {
  test('no line and no error shows a key, a token, a signature or an event', async () => {
    const { lines, logger } = linesOf()
    const errors: unknown[] = []
    const port = transportType === 'amqp' ? hub.amqpPort : hub.httpPort
    const event = { body: secretBody, properties: { secretProperty } }
    const options: EventHubProducerClientOptions = {
      transportType,
      logger,
      retryOptions: { maxRetries: 1, retryDelayInMs: 5, tryTimeoutInMs: 300 },
    }
    const fails = async (call: Promise<unknown>) => {
      errors.push(
        await call.then(
          () => Promise.reject(new Error('It was expected to fail.')),
          (error) => error,
        ),
      )
    }
    const throws = (call: () => unknown) => {
      try {
        call()
      } catch (error) {
        errors.push(error)
        return
      }
      throw new Error('It was expected to throw.')
    }

    // What goes well says nothing of what it carries.
    const client = connect({ port }, options)
    await client.warmUp()
    await client.sendEvent(event)
    await client.sendBatch([event, event], { partitionKey: 'k' })

    // What the service refuses.
    await fails(client.sendEvent({ ...event, body: secretBody.repeat(2000) }))
    await fails(client.sendEvent(event, { partitionId: '77' }))
    await fails(connect({ port, key: wrongKey }, options).sendEvent(event))
    await fails(connect({ port, eventHubName: 'nowhere' }, options).sendEvent(event))
    hub.faults.rejectNext({ condition: 'amqp:resource-limit-exceeded', count: 2 })
    await fails(client.sendEvent(event))
    // What gets lost.
    hub.faults.dropAcknowledgements(2)
    await fails(client.sendEvent(event))
    hub.faults.detachNext({ condition: 'amqp:link:detach-forced', count: 2 })
    await fails(client.sendEvent(event))
    hub.faults.refuseConnections = true
    hub.faults.destroyConnections()
    await fails(connect({ port }, options).sendEvent(event))
    await connect({ port }, options).warmUp()
    hub.faults.reset()
    // Mistakes in the call.
    await fails(client.sendEvent(secretBody as never))
    await fails(client.sendEvent({ body: () => secretBody }))
    await fails(client.sendEvent({ body: secretBody, properties: { secretProperty: { secretProperty } as never } }))
    await fails(client.sendEvent({ body: secretBody, messageId: { secretBody } as never }))
    throws(() => connect({ port, key: `${key};SharedAccessSignature=${secretToken}` }, options))
    throws(() => new EventHubProducerClient('ns.example.net', 'events', { key } as never))
    // Other credentials: signatures that the service refuses, that have ended, that no header can hold; a token.
    for (const ending of ['&se=9999999999', '&se=1', '\u2028&se=9999999999']) {
      const signature = `SharedAccessSignature sr=x&sig=${encodeURIComponent(wrongKey)}${ending}&skn=root`
      const text = `Endpoint=sb://127.0.0.1:${port};SharedAccessSignature=${signature};EntityPath=events;UseDevelopmentEmulator=true`
      const other = EventHubProducerClient.fromConnectionString(text, options)
      clients.push(other)
      await fails(other.sendEvent(event))
    }
    const getToken = async () => ({ token: secretToken, expiresOnTimestamp: Date.now() + 3_600_000 })
    const withToken = new EventHubProducerClient(
      'ns.example.net',
      'events',
      { getToken },
      {
        ...options,
        customEndpointAddress: `localhost:${transportType === 'amqp' ? hub.amqpsPort : hub.httpsPort}`,
        ...(transportType === 'https' ? {} : { tls: { ca: authority.ca } }),
      },
    )
    clients.push(withToken)
    await fails(withToken.sendEvent(event))
    if (transportType !== 'https') {
      const plain = connect({ port, key: wrongKey }, { ...options, sasl: 'plain' })
      await fails(plain.sendEvent(event))
    }
    // An invocation, and a buffer, that are given up.
    const invocation = client.beginInvocation({ timeoutInMs: 300, reserveInMs: 0 })
    hub.faults.dropAcknowledgements(20)
    void invocation.sendEvent(event)
    const { failures } = await invocation.end()
    errors.push(...failures.map(({ error }) => error))
    await fails(invocation.sendEvent(event))
    const lost: EventHubError[] = []
    const buffered = connect(
      { port },
      {
        ...options,
        bufferedMode: true,
        onSuccess: () => {},
        onError: (_events, _partitionId, error) => {
          lost.push(error)
          throw new Error('the callback itself')
        },
      },
    )
    await buffered.sendEvent(event)
    await fails(buffered.flush({ timeoutInMs: 50 }))
    await buffered.close({ flush: false })
    errors.push(...lost)
    expect(lost).toHaveLength(1)

    expect(errors.length).toBeGreaterThanOrEqual(19)
    expect(lines.length).toBeGreaterThanOrEqual(4)
    // What a careless logger prints is more than the message: fields, causes, and what they hold.
    const inspected = errors.map((error) => inspect(error, { depth: 6, showHidden: true }))
    const shown = [...lines, ...inspected, ...errors.map(everythingShownBy)]
    const signature = encodeURIComponent(wrongKey)
    for (const secret of [key, wrongKey, signature, secretToken, secretBody, secretProperty, 'sig=']) {
      // By number: a failure must not print what it found.
      expect(
        shown.flatMap((text, at) => (text.includes(secret) ? [at] : [])),
        secret,
      ).toEqual([])
    }
  })
})
