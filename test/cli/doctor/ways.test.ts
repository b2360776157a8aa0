import { createServer, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stepIds } from '../../../infra/cli/doctor/step.js'
import { systemSeams } from '../../../infra/cli/doctor/visit.js'
import { type LocalHub, startLocalHub } from '../../../infra/local-hub/index.js'
import { startConnectProxy } from '../../support/connect-proxy.js'
import { createPrivateAuthority } from '../../support/private-authority.js'
import { clockAheadBy, credential, examination, inTheClear, overTls } from './examination.js'

/** A busy machine may take its time. */
const patiently = { timeout: 10_000 }

const authority = createPrivateAuthority('A private authority')
const transports = ['amqp', 'amqpOverWebSocket', 'https'] as const

let hub: LocalHub
beforeAll(async () => {
  hub = await startLocalHub({
    sharedAccessKeys: { [credential.name]: credential.key },
    claimScope: 'exact',
    tls: authority.issue(['localhost']),
    maxMessageSizeInBytes: 256 * 1024,
  })
})
afterAll(() => hub.close())

/**
 * A clock whose waits of `from` ms and more are so many times shorter. What does come has half a second
 * left at least: a busy machine may take its time.
 */
function hastened(times: number, from = 2900) {
  const { clock } = systemSeams
  const schedule = (delay: number, callback: () => void) =>
    clock.schedule(delay >= from ? delay / times : delay, callback)
  return { ...clock, schedule }
}

describe('a healthy hub', () => {
  test.each(transports)('passes every step over %s, and no event is sent', async (transportType) => {
    const { ok, problem, steps, step } = await examination({
      ...overTls(hub, transportType, authority.ca),
      httpsPort: hub.httpsPort,
    })
    expect({ ok, problem }).toEqual({ ok: true, problem: null })
    expect(steps.map(({ id }) => id)).toEqual(stepIds)
    expect(steps.filter(({ status }) => status === 'failed' || status === 'warning')).toEqual([])
    expect(step('dns').details.addresses).toEqual(expect.arrayContaining(['127.0.0.1']))
    expect(step('tls').details).toMatchObject({ issuer: 'A private authority', names: ['localhost'], daysLeft: 0 })
    expect(step('tls').details.protocol).toMatch(/^TLSv1\.[23]$/)
    expect(Math.abs(Number(step('clock').details.skewInMs))).toBeLessThan(30_000)
    expect(step('token').details).toMatchObject({ keyName: 'root' })
    expect(step('round-trips').details).toMatchObject({ count: 5 })
    expect(step('test-event').code).toBe('not-asked')
    expect(hub.events('events')).toEqual([])
    if (transportType === 'https') return
    expect(step('sasl').details.mechanisms).toEqual(['MSSBCBS', 'PLAIN', 'ANONYMOUS'])
    expect(step('hub').details).toEqual({ partitionCount: 4, partitionIds: ['0', '1', '2', '3'] })
    expect(step('message-size').details.maxMessageSizeInBytes).toBe(256 * 1024)
  })

  test('leaves no connection behind', async () => {
    await examination(inTheClear(hub, 'amqp'))
    await expect.poll(() => hub.connections.length, patiently).toBe(0)
  })

  test('is attached to at every partition when asked to', async () => {
    const { step } = await examination({ ...inTheClear(hub, 'amqp'), partition: 'all' })
    expect(step('partition').details.partitions).toEqual(['0', '1', '2', '3'])
  })

  test.each(['amqpOverWebSocket', 'https'] as const)('is reached through a proxy over %s', async (transportType) => {
    const proxy = await startConnectProxy({ credentials: 'user:the-password' })
    const httpProxy = { hostname: '127.0.0.1', port: proxy.port, username: 'user', password: 'the-password' }
    const { ok, step } = await examination({ ...overTls(hub, transportType, authority.ca), httpProxy })
    expect(ok).toBe(true)
    expect(step('proxy').summary).toContain(`opens a tunnel to localhost:${hub.httpsPort}`)
    expect(proxy.requests.every(({ authority: asked }) => asked === `localhost:${hub.httpsPort}`)).toBe(true)
    await proxy.close()
  })

  test('a clock that is a little off does no harm', async () => {
    const seams = { clock: clockAheadBy(20_000) }
    const { ok, step } = await examination({ ...inTheClear(hub, 'https'), seams })
    expect(ok).toBe(true)
    expect(step('clock')).toMatchObject({ status: 'ok' })
    expect(step('clock').summary).toMatch(/(?:1[89]|2[0-5]) seconds ahead of the service's, which does no harm/)
  })
})

describe('a silent hub', () => {
  test.each([
    ['amqp', 'sasl', 'amqp-silent'],
    ['amqpOverWebSocket', 'sasl', 'amqp-silent'],
    ['https', 'claims', 'claims-silent'],
  ] as const)('is named for what it is over %s, in the time that there is', async (transportType, at, code) => {
    const silent = await startLocalHub({ sharedAccessKeys: { [credential.name]: credential.key } })
    silent.faults.silence = true
    const { problem, step } = await examination({
      ...inTheClear(silent, transportType),
      seams: { clock: hastened(8) },
    })
    expect(problem).toMatchObject({ step: at, code })
    expect(step('tcp').status).toBe('ok')
    expect(step('round-trips')).toMatchObject({ status: 'skipped', code: 'not-reached' })
    await silent.close()
  })

  test('ends the examination when the time for all steps is used up', async () => {
    const silent = await startLocalHub()
    silent.faults.silence = true
    const { ok, step } = await examination({ ...inTheClear(silent, 'amqp'), timeoutInMs: 500 })
    expect(ok).toBe(false)
    // Or whichever step a busy machine was at.
    expect(step('sasl').code).toMatch(/^(?:amqp-silent|out-of-time|not-reached)$/)
    await silent.close()
  })
})

describe('a network', () => {
  const namespace = { fullyQualifiedNamespace: 'ns.servicebus.windows.net', development: false }
  const lookup = async () => [
    { address: '10.1.2.3', family: 4 },
    { address: 'fd00::1', family: 6 },
  ]
  /** Sockets by port: silent unless a function says otherwise. */
  const connecting = (open: (port: number) => boolean) => (_host: string, port: number) => {
    const socket = new Socket()
    // Before any timer, however late that is.
    if (open(port)) queueMicrotask(() => socket.emit('connect'))
    return socket
  }

  test('that drops packets to 5671 and lets 443 pass: another transport is suggested', async () => {
    const seams = { lookup, connect: connecting((port) => port === 443), clock: hastened(50, 0) }
    const { problem, step } = await examination({ ...namespace, seams })
    expect(step('dns').summary).toContain('10.1.2.3, fd00::1 (IPv4 and IPv6, a private address)')
    expect(problem).toMatchObject({ step: 'tcp', code: 'connection-timeout' })
    expect(step('tcp').details).toEqual({ port: 5671, httpsOpen: true })
    expect(step('tcp').advice[0]).toContain('--transport amqpOverWebSocket')
  })

  test('that drops packets to everything: the firewall is named, and a proxy that is set and not used', async () => {
    const seams = { lookup, connect: connecting(() => false), clock: hastened(50, 0) }
    const { problem, step } = await examination({ ...namespace, seams, unusedProxy: 'HTTPS_PROXY' })
    expect(problem).toMatchObject({ step: 'tcp', code: 'connection-timeout' })
    expect(step('tcp').details.httpsOpen).toBe(false)
    expect(step('tcp').advice).toEqual([
      'A firewall drops the packets: let outgoing connections to port 5671 pass.',
      'HTTPS_PROXY names a proxy, which is not used here: add --transport amqpOverWebSocket and --http-proxy URL.',
    ])
  })

  test('without a way to the host', async () => {
    const connect = () => {
      const socket = new Socket()
      setImmediate(() => socket.destroy(Object.assign(new Error('no route'), { code: 'ENETUNREACH' })))
      return socket
    }
    const { problem } = await examination({ ...namespace, seams: { lookup, connect } })
    expect(problem).toMatchObject({ step: 'tcp', code: 'unreachable' })
  })

  test('whose DNS does not answer is not taken for a wrong name', async () => {
    const failing = () => Promise.reject(Object.assign(new Error('getaddrinfo EAI_AGAIN'), { code: 'EAI_AGAIN' }))
    const failed = await examination({ ...namespace, seams: { lookup: failing } })
    expect(failed.problem).toMatchObject({ step: 'dns', code: 'dns-unavailable' })
    const never = () => new Promise<never>(() => {})
    const hung = await examination({ ...namespace, seams: { lookup: never, clock: hastened(100) } })
    expect(hung.problem).toMatchObject({ step: 'dns', code: 'dns-unavailable' })
  })
})

describe('a proxy', () => {
  const through = (port: number) => ({
    ...overTls(hub, 'amqpOverWebSocket', authority.ca),
    httpProxy: { hostname: '127.0.0.1', port },
    seams: { clock: hastened(8) },
  })

  test('that wants credentials', async () => {
    const proxy = await startConnectProxy({ credentials: 'user:the-password' })
    const { problem, step } = await examination(through(proxy.port))
    expect(problem).toMatchObject({ step: 'proxy', code: 'proxy-authentication' })
    expect(problem?.summary).toContain('none were given (407)')
    expect(step('proxy').advice[0]).toContain('http://USER:PASSWORD@HOST:PORT')
    await proxy.close()
  })

  test('that refuses', async () => {
    const proxy = await startConnectProxy({ refuse: 403 })
    const { problem, step } = await examination(through(proxy.port))
    expect(problem).toMatchObject({ step: 'proxy', code: 'proxy-refused' })
    expect(step('proxy').advice[0]).toContain(`allow CONNECT to localhost:${hub.httpsPort}`)
    await proxy.close()
  })

  test('that says nothing', async () => {
    const proxy = await startConnectProxy({ silent: true })
    const { problem } = await examination(through(proxy.port))
    expect(problem).toMatchObject({ step: 'proxy', code: 'proxy-silent' })
    await proxy.close()
  })

  test('that opens the tunnel and passes nothing on', async () => {
    const proxy = await startConnectProxy({ deaf: true })
    const { problem } = await examination(through(proxy.port))
    expect(problem).toMatchObject({ step: 'tls', code: 'tls-timeout' })
    await proxy.close()
  })

  test('that is not there', async () => {
    const proxy = await startConnectProxy()
    await proxy.close()
    const { problem, step } = await examination(through(proxy.port))
    expect(problem).toMatchObject({ step: 'tcp', code: 'connection-refused' })
    expect(step('tcp').advice).toEqual(["Check the proxy's host and port."])
  })

  test('that is none', async () => {
    const { problem } = await examination(through(hub.amqpPort))
    expect(problem).toMatchObject({ step: 'proxy', code: expect.stringMatching(/^proxy-(?:not-http|failed)$/) })
  })
})

describe('something else', () => {
  const listening = async (server: Server | ReturnType<typeof createTcpServer>) => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }

  test.each([403, 404, 500])('an HTTP server that answers the WebSocket with %i', async (status) => {
    const server = createServer((_request, response) => response.writeHead(status).end())
    server.on('upgrade', (_request, socket) => socket.end(`HTTP/1.1 ${status} No\r\n\r\n`))
    const port = await listening(server)
    const { problem } = await examination({
      endpoint: { hostname: '127.0.0.1', port },
      transportType: 'amqpOverWebSocket',
    })
    expect(problem).toMatchObject({ step: 'websocket', code: 'websocket-refused' })
    expect(problem?.summary).toContain(String(status))
    server.close()
  })

  /** A SASL frame with a body of this performative and these encoded fields. */
  const saslFrame = (descriptor: number, ...fields: Buffer[]) => {
    const content = Buffer.concat(fields)
    const body = Buffer.from([0, 0x53, descriptor, 0xc0, content.length + 1, fields.length, ...content])
    return Buffer.from([0, 0, 0, body.length + 8, 2, 1, 0, 0, ...body])
  }
  const symbol = (text: string) => Buffer.from([0xa3, text.length, ...Buffer.from(text)])
  const saslHeader = Buffer.from([0x41, 0x4d, 0x51, 0x50, 3, 1, 0, 0])

  test.each([
    ['knows no mechanism of ours', [saslFrame(0x40, symbol('GSSAPI'))], 'sasl-no-mechanism', /GSSAPI/],
    [
      'refuses everybody',
      [saslFrame(0x40, symbol('ANONYMOUS')), saslFrame(0x44, Buffer.from([0x50, 1]))],
      'sasl-refused',
      /without a password/,
    ],
  ])('an AMQP server that %s', async (_name, frames, code, said) => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {})
      socket.write(Buffer.concat([saslHeader, ...frames]))
    })
    const port = await listening(server)
    const { problem } = await examination({ endpoint: { hostname: '127.0.0.1', port } })
    expect(problem).toMatchObject({ step: 'sasl', code })
    expect(problem?.summary).toMatch(said)
    server.close()
  })

  test.each([
    ['garbage', Buffer.from('hello, who are you?\r\n')],
    ['escape sequences', Buffer.from('\u001b]0;owned\u0007\u001b[2J')],
    ['AMQP of another version', Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1])],
    ['nothing', Buffer.alloc(0)],
  ])('a server that says %s', async (_name, said) => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {})
      socket.end(said)
    })
    const port = await listening(server)
    const report = await examination({ endpoint: { hostname: '127.0.0.1', port } })
    expect(report.problem).toMatchObject({ step: 'sasl', code: expect.stringMatching(/^not-amqp$|^amqp-closed$/) })
    expect(JSON.stringify(report)).not.toMatch(/\\u001b|\\u0007/)
    server.close()
  })
})
