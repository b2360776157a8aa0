import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSharedAccessSignature } from '../../../core/auth/sas.js'
import type { Place } from '../../../infra/cli/amqp/place.js'
import { type LocalHub, type LocalHubOptions, startLocalHub } from '../../../infra/local-hub/index.js'
import { selfSignedCertificate } from '../../integration/local-hub/certificate.js'
import { createPrivateAuthority } from '../../support/private-authority.js'
import { clockAheadBy, credential, examination, inTheClear, overTls } from './examination.js'

const authority = createPrivateAuthority('A private authority')
const hour = 3_600_000
const transports = ['amqp', 'amqpOverWebSocket', 'https'] as const

const sharedAccessKeys = {
  [credential.name]: credential.key,
  listener: { key: 'a-key-to-listen-with', rights: ['listen'] },
} satisfies LocalHubOptions['sharedAccessKeys']

let hub: LocalHub
beforeAll(async () => {
  hub = await startLocalHub({ sharedAccessKeys, claimScope: 'exact', tls: authority.issue(['localhost']) })
})
afterAll(() => hub.close())

/** A hub of its own, for a certificate or a clock of its own. */
async function withHub<T>(options: LocalHubOptions, use: (hub: LocalHub) => Promise<T>): Promise<T> {
  const own = await startLocalHub({ sharedAccessKeys, ...options })
  try {
    return await use(own)
  } finally {
    await own.close()
  }
}

async function signatureEndingAt(milliseconds: number, resource = 'sb://ns.example.net/events', key = credential.key) {
  const signature = await createSharedAccessSignature(resource, credential.name, key, Math.floor(milliseconds / 1000))
  return { signature }
}

describe('the place', () => {
  test('a host that does not exist', async () => {
    const hostname = 'nowhere.servicebus.windows.net'
    const lookup = () =>
      Promise.reject(Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: 'ENOTFOUND' }))
    const place = { fullyQualifiedNamespace: hostname, development: false }
    const { problem, step, ok } = await examination({ ...place, seams: { lookup } })
    expect(ok).toBe(false)
    expect(problem).toMatchObject({ step: 'dns', code: 'host-not-found' })
    expect(step('dns').advice[0]).toContain("Check the namespace's name")
    expect(step('dns').advice[1]).toContain('privatelink.servicebus.windows.net')
    expect(step('tcp')).toMatchObject({ status: 'skipped', code: 'not-reached', durationInMs: undefined })
  })

  test('a host that is a bare name: the whole one is suggested', async () => {
    const lookup = () => Promise.reject(Object.assign(new Error('getaddrinfo ENOTFOUND orders'), { code: 'ENOTFOUND' }))
    const { step } = await examination({ fullyQualifiedNamespace: 'orders', development: false, seams: { lookup } })
    expect(step('dns').advice).toEqual(['A namespace is named in whole: orders.servicebus.windows.net.'])
  })

  test('a port that nothing listens on', async () => {
    const gone = await startLocalHub()
    await gone.close()
    const { problem, step } = await examination(inTheClear(gone, 'amqp'))
    expect(problem).toMatchObject({ step: 'tcp', code: 'connection-refused' })
    expect(step('tcp').summary).toContain(`127.0.0.1:${gone.amqpPort}`)
    expect(step('tcp').advice[0]).toContain('sluice hub')
  })

  test.each(transports)('an event hub that does not exist, over %s', async (transportType) => {
    const { problem, step } = await examination({ ...inTheClear(hub, transportType), eventHubName: 'nothing' })
    expect(problem).toMatchObject({ step: 'hub', code: 'hub-not-found' })
    expect(problem?.summary).toContain("'nothing'")
    expect(step('hub').advice[0]).toContain('EntityPath')
    expect(step('partition').code).toBe('not-reached')
  })

  test.each(transports)('a partition that does not exist, over %s', async (transportType) => {
    const { problem, step } = await examination({ ...inTheClear(hub, transportType), partition: '99' })
    expect(problem).toMatchObject({ step: 'partition', code: 'partition-not-found' })
    expect(step('partition').summary).toContain('99')
    if (transportType !== 'https') expect(step('partition').advice).toEqual(['The partitions are: 0, 1, 2, 3.'])
  })

  test('a port of HTTP where AMQP is expected', async () => {
    const place = { ...inTheClear(hub, 'amqp'), endpoint: { hostname: '127.0.0.1', port: hub.httpPort } }
    const { problem, step } = await examination(place)
    expect(problem).toMatchObject({ step: 'sasl', code: expect.stringMatching(/^not-amqp$|^amqp-closed$/) })
    expect(step('sasl').advice[0]).toContain('Check host and port')
  })
})

test.each([
  ['amqpOverWebSocket', 'websocket'],
  ['https', 'claims'],
] as const)('a port of AMQP where %s is expected: the other port is asked for', async (transportType, at) => {
  const place = { ...inTheClear(hub, 'amqp'), transportType }
  const { problem, step } = await examination(place)
  expect(problem).toMatchObject({ step: at, code: 'not-http' })
  expect(step(at).advice[1]).toContain('Give its HTTP port')
})

describe('the certificate', () => {
  test.each(transports)('self-signed, over %s', async (transportType) => {
    await withHub({ tls: selfSignedCertificate() }, async (own) => {
      const { tls: _ca, ...place } = overTls(own, transportType, '')
      const { problem, step } = await examination({ ...place, httpsPort: own.httpsPort })
      expect(problem).toMatchObject({ step: 'tls', code: 'certificate-self-signed' })
      expect(problem?.summary).toContain('local hub test')
      expect(step('tls').advice[0]).toContain('NODE_EXTRA_CA_CERTS')
      expect(step('tls').details).toMatchObject({ subject: 'local hub test', issuer: 'local hub test' })
      // Nothing was said over what cannot be trusted.
      expect(own.connections).toEqual([])
    })
  })

  test('by an authority that nobody here knows', async () => {
    const { tls: _ca, ...place } = overTls(hub, 'amqp', '')
    const { problem, step } = await examination(place)
    expect(problem).toMatchObject({ step: 'tls', code: 'certificate-unknown-authority' })
    expect(problem?.summary).toContain('A private authority')
    expect(step('tls').advice[0]).toContain('--ca-file')
  })

  test('for another name', async () => {
    await withHub({ tls: authority.issue(['elsewhere.example.net', 'other.example.net']) }, async (own) => {
      const { problem, step } = await examination(overTls(own, 'amqp', authority.ca))
      expect(problem).toMatchObject({ step: 'tls', code: 'certificate-name' })
      expect(problem?.summary).toContain('not for localhost, but for elsewhere.example.net, other.example.net')
      expect(step('tls').advice[1]).toContain("servername: 'elsewhere.example.net'")
    })
  })

  test('expired', async () => {
    const tls = authority.issue(['localhost'], { fromDay: -30, toDay: -2 })
    await withHub({ tls }, async (own) => {
      const { problem, step } = await examination(overTls(own, 'amqp', authority.ca))
      expect(problem).toMatchObject({ step: 'tls', code: 'certificate-expired' })
      expect(problem?.summary).toMatch(/expired 2 days .*ago/)
      expect(step('tls').advice.join()).toMatch(/must renew.*set the clock/)
      expect(step('tls').details.daysLeft).toBe(-3)
    })
  })

  test('not valid yet: the clock is suspected', async () => {
    const tls = authority.issue(['localhost'], { fromDay: 2, toDay: 30 })
    await withHub({ tls }, async (own) => {
      const { problem, step } = await examination(overTls(own, 'amqp', authority.ca))
      expect(problem).toMatchObject({ step: 'tls', code: 'certificate-not-yet-valid' })
      expect(step('tls').advice[0]).toContain('set the clock')
    })
  })

  test('none, since the port does not speak TLS', async () => {
    const place = { ...overTls(hub, 'amqp', authority.ca), endpoint: { hostname: 'localhost', port: hub.amqpPort } }
    const { problem, step } = await examination(place)
    expect(problem).toMatchObject({ step: 'tls', code: expect.stringMatching(/^not-tls$|^tls-closed$/) })
    expect(step('tls').advice[0]).toContain('Check host and port')
  })

  test('no advice ever says to switch verification off', async () => {
    const { tls: _ca, ...place } = overTls(hub, 'amqp', '')
    expect(JSON.stringify(await examination(place))).not.toMatch(/rejectUnauthorized|TLS_REJECT|switch|disable/i)
  })
})

describe('the credential', () => {
  test.each(transports)('a wrong key, over %s', async (transportType) => {
    const wrong = { name: credential.name, key: 'some-other-key' }
    const { problem, step } = await examination({ ...inTheClear(hub, transportType), credential: wrong })
    expect(problem).toMatchObject({ step: 'claims', code: 'wrong-key' })
    expect(step('claims').advice[0]).toContain('Shared access policies, root')
    expect(step('hub').code).toBe('not-reached')
  })

  test('a key name that does not exist', async () => {
    const wrong = { name: 'nobody', key: credential.key }
    const { problem } = await examination({ ...inTheClear(hub, 'amqp'), credential: wrong })
    expect(problem).toMatchObject({ step: 'claims', code: 'wrong-key' })
    expect(problem?.summary).toContain('nobody')
  })

  test.each(transports)('a signature that has expired, over %s', async (transportType) => {
    const place = inTheClear(hub, transportType)
    const expired = await signatureEndingAt(Date.now() - 2 * hour)
    const { problem, step } = await examination({ ...place, credential: expired })
    expect(problem).toMatchObject({ step: 'token', code: 'token-expired' })
    expect(problem?.summary).toMatch(/expired 2 hours/)
    expect(step('token').advice[0]).toContain('new one')
    expect(step('claims').code).toBe('not-reached')
  })

  test('a signature that the service’s clock takes for expired', async () => {
    await withHub({ now: () => Date.now() + 2 * hour }, async (own) => {
      const short = await signatureEndingAt(Date.now() + 30_000)
      const { problem } = await examination({ ...inTheClear(own, 'amqp'), credential: short })
      expect(problem).toMatchObject({ step: 'claims', code: 'token-expired' })
    })
  })

  test('a signature for another event hub', async () => {
    const other = await signatureEndingAt(Date.now() + hour, 'sb://127.0.0.1/other')
    const { problem, step } = await examination({ ...inTheClear(hub, 'amqp'), credential: other })
    expect(step('token')).toMatchObject({ status: 'warning', code: 'token-scope' })
    expect(problem).toMatchObject({ step: 'claims', code: 'token-scope' })
    expect(step('claims').advice[0]).toContain('sb://127.0.0.1/events')
  })

  test('a signature that is none', async () => {
    const { problem, step } = await examination({ ...inTheClear(hub, 'amqp'), credential: { signature: 'sig=abc' } })
    expect(problem).toMatchObject({ step: 'token', code: 'token-malformed' })
    expect(step('token').advice[0]).toContain('SharedAccessSignature sr=')
  })

  test('a key without the Send right', async () => {
    const listener = { name: 'listener', key: 'a-key-to-listen-with' }
    const { problem, step } = await examination({ ...inTheClear(hub, 'amqp'), credential: listener })
    expect(problem).toMatchObject({ step: 'partition', code: 'right-missing' })
    expect(step('partition').advice[0]).toContain('listener needs the Send right')
    expect(step('claims').status).toBe('ok')
    const overHttps = await examination({ ...inTheClear(hub, 'https'), credential: listener })
    expect(overHttps.problem).toMatchObject({ step: 'claims', code: 'right-missing' })
  })

  test('an identity that has no token to give', async () => {
    const getToken = () => Promise.reject(new Error('CredentialUnavailableError: no account\nand more'))
    const { problem, step } = await examination({ ...inTheClear(hub, 'amqp'), credential: { getToken } })
    expect(problem).toMatchObject({ step: 'token', code: 'token-unavailable' })
    expect(problem?.summary).toContain('no account')
    expect(step('token').advice[0]).toContain('az login')
  })

  test('an identity whose token is refused', async () => {
    const getToken = async () => ({ token: 'an.unknown.token', expiresOnTimestamp: Date.now() + hour })
    const { problem } = await examination({ ...inTheClear(hub, 'amqp'), credential: { getToken } })
    expect(problem).toMatchObject({ step: 'claims', code: 'wrong-key' })
  })
})

describe('the clock', () => {
  const behind = (transportType: Place['transportType']) =>
    examination({ ...inTheClear(hub, transportType), seams: { clock: clockAheadBy(-2 * hour) } })

  test.each(['amqpOverWebSocket', 'https'] as const)('two hours slow, over %s', async (transportType) => {
    const { problem, step } = await behind(transportType)
    expect(step('clock')).toMatchObject({ status: 'warning', code: 'clock-skewed' })
    expect(step('clock').summary).toMatch(/1 hour 59 minutes behind|2 hours behind/)
    expect(problem).toMatchObject({ step: 'claims', code: 'clock-skewed' })
    expect(step('claims').advice[0]).toContain('NTP')
  })

  test('two hours slow, over amqp with TLS: the time comes from the HTTPS endpoint', async () => {
    const seams = { clock: clockAheadBy(-2 * hour) }
    const { problem, step } = await examination({
      ...overTls(hub, 'amqp', authority.ca),
      httpsPort: hub.httpsPort,
      seams,
    })
    expect(step('clock')).toMatchObject({ status: 'warning', code: 'clock-skewed' })
    expect(problem).toMatchObject({ step: 'claims', code: 'clock-skewed' })
  })

  test('slow by the service’s own judgement, where nothing else tells the time', async () => {
    await withHub({ now: () => Date.now() + 2 * hour }, async (own) => {
      const { problem, step } = await examination(inTheClear(own, 'amqp'))
      expect(problem).toMatchObject({ step: 'claims', code: 'clock-skewed' })
      expect(step('claims').summary).toContain('fresh token')
    })
  })

  test('fast: what looks expired here is still good there', async () => {
    const good = await signatureEndingAt(Date.now() + hour, 'sb://127.0.0.1/events')
    const place = { ...inTheClear(hub, 'amqpOverWebSocket'), credential: good }
    const { ok, step } = await examination({ ...place, seams: { clock: clockAheadBy(2 * hour) } })
    expect(step('token')).toMatchObject({ status: 'warning', code: 'clock-skewed' })
    expect(ok).toBe(true)
  })
})

test.each([
  [200, '<html>Please log in</html>', 'failed'],
  [400, '<html>Bad Request</html>', 'warning'],
])('over https, a web server that answers %i is not taken for Event Hubs', async (status, page, expected) => {
  const server = createServer((_, response) => response.writeHead(status).end(page)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { step } = await examination({ endpoint: { hostname: '127.0.0.1', port }, transportType: 'https' })
  expect(step('claims')).toMatchObject({ status: expected, code: 'not-event-hubs' })
  // It answers HEAD by closing the connection, while the next question waits for it.
  if (expected === 'warning') expect(step('round-trips')).toMatchObject({ status: 'ok', details: { count: 1 } })
  server.close()
})
