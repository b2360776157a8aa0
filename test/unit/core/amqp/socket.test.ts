import dns from 'node:dns'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { amqpOverWebSocketTransport, amqpTransport } from '../../../../core/amqp/index.js'
import { tcpWire } from '../../../../core/amqp/socket.js'
import { webSocketWire } from '../../../../core/amqp/websocket.js'
import { httpsTransport } from '../../../../core/https/index.js'
import { EventHubProducerClient, type EventHubProducerClientOptions } from '../../../../core/index.js'
import type { TransportContext, TransportOptions } from '../../../../core/transport.js'
import { transportFactories as edgeTransports } from '../../../../core/transports.edge.js'
import { startConnectProxy } from '../../../support/connect-proxy.js'
import { thrownBy } from '../../../support/thrown.js'

const context = (options: Partial<TransportOptions> = {}): TransportContext => ({
  fullyQualifiedNamespace: 'ns.servicebus.windows.net',
  eventHubName: 'events',
  tokens: {} as never,
  clock: {} as never,
  random: () => 0.5,
  logger: {},
  options: {
    development: false,
    endpoint: undefined,
    sasl: 'cbs',
    enableIdempotentRetries: false,
    partitionIds: undefined,
    namedKey: undefined,
    authTimeoutInMs: 60_000,
    socketTimeoutInMs: 10_000,
    idleTimeoutInMs: undefined,
    userAgent: 'agent/1',
    tls: undefined,
    httpProxy: undefined,
    ...options,
  },
})

const pem = '-----BEGIN CERTIFICATE-----'
const proxy = { hostname: 'proxy.example.net', port: 3128, username: 'someone', password: 'the password' }
const construct = (options: EventHubProducerClientOptions, namespace = 'ns.servicebus.windows.net') =>
  new EventHubProducerClient(namespace, 'events', { name: 'root', key: 'secret' }, options)

afterEach(() => {
  vi.restoreAllMocks()
})

describe('where a wire leads', () => {
  test.each([
    ['AMQP', tcpWire, 5671, 5672],
    ['WebSocket', webSocketWire, 443, 80],
  ])('%s: its own ports, with TLS and, for development, without', (_, wire, tlsPort, plainPort) => {
    expect(wire(context()).target).toMatchObject({
      hostname: 'ns.servicebus.windows.net',
      port: tlsPort,
      isTls: true,
      authority: `ns.servicebus.windows.net:${tlsPort}`,
    })
    const development = context({ development: true, endpoint: { hostname: '127.0.0.1', port: undefined } })
    expect(wire(development).target).toMatchObject({ hostname: '127.0.0.1', port: plainPort, isTls: false })
  })

  test('a custom endpoint overrides host and port; an IPv6 address stands in brackets where a URL wants them', () => {
    const { target } = webSocketWire(context({ endpoint: { hostname: '[::1]', port: 8443 } }))
    expect(target).toMatchObject({ hostname: '::1', port: 8443, authority: '[::1]:8443', label: '[::1]:8443' })
  })

  test('messages name the proxy, and nothing of its credentials', () => {
    const { target } = webSocketWire(context({ httpProxy: proxy }))
    expect(target.label).toBe('ns.servicebus.windows.net:443 (by the proxy proxy.example.net:3128)')
    expect(target.authority).toBe('ns.servicebus.windows.net:443')
    expect(webSocketWire(context({ httpProxy: { hostname: '::1', port: 1 } })).target.label).toContain('[::1]:1)')
  })
})

describe('httpProxy', () => {
  test.each<[string, EventHubProducerClientOptions]>([
    ['the default transport', {}],
    ['amqp', { transportType: 'amqp' }],
    ['amqpTransport', { transportType: amqpTransport }],
    ['httpsTransport, which knows fetch alone', { transportType: httpsTransport }],
    ['a transport of one’s own', { transportType: { name: 'mine', send: () => {} } as never }],
  ])('beside %s is refused at construction, by name, with what to do', (_, options) => {
    const error = thrownBy(() => construct({ ...options, httpProxy: proxy }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toMatch(/^httpProxy cannot be used .*(leave httpProxy out|give the proxy to)/)
    expect(error.message).not.toMatch(/someone|the password/)
  })

  test('is refused at construction where there is fetch alone (the edge build)', () => {
    const error = thrownBy(() => edgeTransports.https?.(context({ httpProxy: proxy })))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toMatch(/^httpProxy cannot be used here/)
    expect(edgeTransports.https?.(context())).toMatchObject({ name: 'https' })
  })

  test.each<[string, EventHubProducerClientOptions]>([
    ['amqpOverWebSocket', { transportType: 'amqpOverWebSocket' }],
    ['amqpOverWebSocket', { transportType: amqpOverWebSocketTransport }],
    ['https', { transportType: 'https' }],
    ['https', { transportType: 'https', tls: { ca: pem } }],
  ])('beside %s is taken, and constructing does no I/O', async (name, options) => {
    const listening = await startConnectProxy()
    const client = construct({ ...options, httpProxy: { hostname: '127.0.0.1', port: listening.port } })
    expect(client.transportName).toBe(name)
    await client.close()
    expect([listening.requests.length, listening.openCount]).toEqual([0, 0])
    await listening.close()
  })

  test('tls over https stays refused without it: there fetch verifies', () => {
    expect(() => construct({ transportType: 'https', tls: { ca: pem } })).toThrow('NODE_EXTRA_CA_CERTS')
  })

  test('takes the exception for loopback from sasl: plain: the key would travel to the proxy in the clear', () => {
    const options = {
      development: true,
      sasl: 'plain',
      endpoint: { hostname: '127.0.0.1', port: 80 },
      namedKey: () => ({ name: 'root', key: 'secret' }),
    } as const
    expect(() => amqpOverWebSocketTransport(context(options))).not.toThrow()
    expect(() => amqpOverWebSocketTransport(context({ ...options, httpProxy: proxy }))).toThrow("sasl: 'plain'")
  })
})

describe('a host that cannot be reached', () => {
  const lookUp = (answer: (callback: (...args: unknown[]) => void) => void) =>
    vi
      .spyOn(dns, 'lookup')
      .mockImplementation(((_host: string, _options: unknown, callback: never) => answer(callback)) as never)
  const attempt = async (options: EventHubProducerClientOptions) => {
    const client = construct({ retryOptions: { maxRetries: 0 }, ...options })
    const error = await client.sendEvent({ body: 'a' }).catch((thrown) => thrown)
    await client.close({ flush: false })
    return error
  }
  const notFound = Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' })

  test.each(['amqpOverWebSocket', 'https'] as const)('%s: a proxy whose name is unknown is named', async (type) => {
    lookUp((callback) => callback(notFound))
    const error = await attempt({ transportType: type, httpProxy: proxy })
    expect(error).toMatchObject({
      code: 'connection-lost',
      outcome: 'returned',
      retryable: false,
      condition: 'ENOTFOUND',
    })
    expect(error.message).toBe(
      'The host of the proxy proxy.example.net:3128 was not found. Check httpProxy.hostname and the DNS.',
    )
  })

  test('a namespace whose name is unknown is named', async () => {
    lookUp((callback) => callback(notFound))
    const error = await attempt({ transportType: 'amqpOverWebSocket' })
    expect(error).toMatchObject({ code: 'entity-not-found', outcome: 'returned', retryable: false })
    expect(error.message).toContain('ns.servicebus.windows.net:443')
  })

  test('by none of its addresses: the error still says why', async () => {
    lookUp((callback) =>
      callback(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '::1', family: 6 },
      ]),
    )
    const error = await attempt({ transportType: 'amqp', customEndpointAddress: 'two.example.net:1' })
    expect(error).toMatchObject({ code: 'connection-lost', retryable: true, condition: 'ECONNREFUSED' })
    expect(error.message).toContain('two.example.net:1 failed: ECONNREFUSED.')
  })
})
