import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { EventHubProducerClient, type TransportType } from '../../core/index.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'
import { createPrivateAuthority } from '../support/private-authority.js'
import { startRelay } from '../support/relay.js'

const authority = createPrivateAuthority('Endpoint')
let hub: LocalHub
let folder: string
const clients: EventHubProducerClient[] = []

beforeAll(async () => {
  hub = await startLocalHub({ tls: authority.issue(['localhost']), sharedAccessKeys: { root: 'key' } })
  folder = await mkdtemp(join(tmpdir(), 'sluice-endpoint-'))
})
afterAll(async () => {
  await hub.close()
  await rm(folder, { recursive: true })
})
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close({ flush: false })))
})

describe.each<TransportType>(['amqp', 'amqpOverWebSocket', 'https'])(
  'over %s, customEndpointAddress',
  (transportType) => {
    const port = () => (transportType === 'amqp' ? hub.amqpPort : hub.httpPort)

    test.each([
      ['host and port', (at: number) => `127.0.0.1:${at}`],
      ['a URL', (at: number) => `sb://127.0.0.1:${at}/`],
    ])('as %s is where the bytes go; the namespace stays the name that is signed for', async (_, address) => {
      const relay = await startRelay(port())
      try {
        // The namespace's own name leads nowhere.
        const text =
          'Endpoint=sb://hub.invalid;SharedAccessKeyName=root;SharedAccessKey=key;EntityPath=events;UseDevelopmentEmulator=true'
        const client = EventHubProducerClient.fromConnectionString(text, {
          transportType,
          customEndpointAddress: address(relay.port),
        })
        clients.push(client)
        const before = hub.events('events').length
        await client.sendEvent({ body: 'a' })
        expect(hub.events('events')).toHaveLength(before + 1)
        expect(client.fullyQualifiedNamespace).toBe('hub.invalid')
        // What is written by a WebSocket client is masked.
        if (transportType !== 'amqpOverWebSocket') {
          expect(relay.sent.toString('latin1')).toMatch(
            /SharedAccessSignature sr=(?:sb|http)%3A%2F%2Fhub\.invalid%2Fevents/,
          )
        }
      } finally {
        await relay.close()
      }
    })
  },
)

describe('over https, a private authority', () => {
  const source = `
    import { EventHubProducerClient } from './core/index.js'
    const client = new EventHubProducerClient('ns.example.net', 'events', { name: 'root', key: 'key' }, {
      transportType: 'https', customEndpointAddress: process.argv[2], retryOptions: { maxRetries: 0 },
    })
    const ok = { code: 'accepted' }
    client.sendEvent({ body: 'over TLS' }).then(() => ok, (error) => error).then(async (result) => {
      await client.close()
      const { code, outcome, retryable, message } = result
      console.log(JSON.stringify({ code, outcome, retryable, message }))
    })`

  beforeAll(async () => {
    await writeFile(join(folder, 'ca.pem'), authority.ca)
    await build({
      stdin: { contents: source, resolveDir: process.cwd(), loader: 'ts' },
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      conditions: ['sluice-source'],
      external: ['ws'],
      outfile: join(folder, 'send.cjs'),
      logLevel: 'silent',
    })
  })

  async function sendTrusting(ca: string | undefined): Promise<{ code: string; message?: string }> {
    const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [join(folder, 'send.cjs'), `localhost:${hub.httpsPort}`],
      { env: ca === undefined ? env : { ...env, NODE_EXTRA_CA_CERTS: ca }, timeout: 15_000 },
    )
    return JSON.parse(stdout)
  }

  test('is trusted when the process trusts it: NODE_EXTRA_CA_CERTS', async () => {
    expect(await sendTrusting(join(folder, 'ca.pem'))).toEqual({ code: 'accepted' })
    expect(hub.events('events').map(({ body }) => body.toString())).toContain('over TLS')
  })

  test('is refused otherwise: nothing has left, and the text names NODE_EXTRA_CA_CERTS', async () => {
    const before = hub.events('events').length
    expect(await sendTrusting(undefined)).toEqual({
      code: 'connection-lost',
      outcome: 'returned',
      retryable: false,
      message: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
    })
    expect(hub.events('events')).toHaveLength(before)
  })
})
