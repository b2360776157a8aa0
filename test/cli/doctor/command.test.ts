import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSharedAccessSignature } from '../../../core/auth/sas.js'
import { type LocalHub, startLocalHub } from '../../../infra/local-hub/index.js'
import { startConnectProxy } from '../../support/connect-proxy.js'
import { createPrivateAuthority } from '../../support/private-authority.js'
import { run, start } from '../in-process.js'

/** A busy machine may take its time. */
const patiently = { timeout: 10_000 }

const authority = createPrivateAuthority('A private authority')
const key = 'the+key/nobody-may=see=='

let hub: LocalHub
let folder: string
beforeAll(async () => {
  hub = await startLocalHub({
    sharedAccessKeys: { root: key },
    tls: authority.issue(['localhost']),
  })
  folder = await mkdtemp(join(tmpdir(), 'sluice-doctor-'))
  await writeFile(join(folder, 'ca.pem'), authority.ca)
})
afterAll(async () => {
  await hub.close()
  await rm(folder, { recursive: true, force: true })
})

const env = (more: object = {}) => ({ EVENTHUB_CONNECTION_STRING: hub.connectionString, ...more })
/** Of a namespace, as the portal shows it. */
const connectionString = (given: { key?: string; hub?: string } = {}) =>
  `Endpoint=sb://ns.example.net/;SharedAccessKeyName=root;SharedAccessKey=${given.key ?? key};EntityPath=${given.hub ?? 'events'}`

describe('sluice doctor', () => {
  test('shows a line for each step, and ends with 0 when all is well', async () => {
    const { code, out, error } = await run(['doctor'], { env: env() })
    expect(code).toBe(0)
    expect(error).toBe('')
    const lines = out.split('\n')
    expect(lines[0]).toMatch(
      /^✓ settings +\d+ ms {2}Event hub 'events' of 127\.0\.0\.1, by AMQP, with the key named root$/,
    )
    expect(out).toMatch(/^– tls .*In the clear/m)
    expect(out).toMatch(/^✓ partition .*Partition 0 takes a sender’s link$/m)
    expect(out).toMatch(/^All is well\. It took/m)
    expect(out).not.toContain('\u001b')
    expect(hub.events('events')).toEqual([])
  })

  test('tells what failed, what to do and what was not reached, and ends with 1', async () => {
    const { code, out } = await run(['doctor', '--hub', 'nothing'], {
      env: { EVENTHUB_CONNECTION_STRING: hub.connectionString.replace(/;EntityPath=[^;]*/, '') },
    })
    expect(code).toBe(1)
    expect(out).toMatch(/^✗ hub .*There is no event hub named 'nothing' in 127\.0\.0\.1\n +→ Check its name/m)
    expect(out).toMatch(/^– not reached: partition, message-size, test-event$/m)
    expect(out).toMatch(/^It fails at hub: .* \(hub-not-found\)$/m)
  })

  test('writes one object of JSON, with stable ids and codes', async () => {
    const { code, out } = await run(['doctor', '--json'], { env: env() })
    expect(code).toBe(0)
    const report = JSON.parse(out)
    expect(report).toMatchObject({ ok: true, problem: null, durationInMs: expect.any(Number) })
    expect(report.steps[0]).toEqual({
      id: 'settings',
      status: 'ok',
      code: 'ok',
      summary: expect.any(String),
      advice: [],
      details: {
        namespace: '127.0.0.1',
        eventHub: 'events',
        transport: 'amqp',
        connectsTo: `127.0.0.1:${hub.amqpPort}`,
        credential: 'the key named root',
        development: true,
      },
      durationInMs: expect.any(Number),
    })
  })

  test('has colours on a terminal, unless NO_COLOR says otherwise', async () => {
    const coloured = await run(['doctor'], { env: env(), isTTY: true })
    expect(coloured.out).toContain('\u001b[32m✓\u001b[0m')
    const plain = await run(['doctor'], { env: env({ NO_COLOR: '1' }), isTTY: true })
    expect(plain.out).not.toContain('\u001b')
  })

  test('sends one event when asked to, and that one only', async () => {
    const one = await startLocalHub()
    const { code, out } = await run(['doctor', '--send-test-event', '--partition', '2'], {
      env: { EVENTHUB_CONNECTION_STRING: one.connectionString },
    })
    expect(code).toBe(0)
    expect(out).toMatch(/^✓ test-event .*One event was sent/m)
    expect(one.events('events').map(({ partitionId }) => partitionId)).toEqual(['2'])
    await one.close()
  })

  test('finds the place by --endpoint and --ca-file, too', async () => {
    const place = ['--endpoint', `localhost:${hub.amqpsPort}`, '--ca-file', join(folder, 'ca.pem')]
    const given = { env: { EVENTHUB_CONNECTION_STRING: connectionString() } }
    const { code, out } = await run(['doctor', '--verbose', ...place], given)
    expect(code).toBe(0)
    expect(out).toMatch(/^✓ tls .*certificate by A private authority, good for \d+ hours/m)
    expect(out).toMatch(/^ +names: localhost$/m)
    // Nothing answers on port 443 here, which is no failure.
    expect(out).toMatch(/^– clock .*Could not be compared/m)
  })

  test('stops at once at Ctrl+C, tells what it has, and ends with 130', async () => {
    const silent = await startLocalHub()
    silent.faults.silence = true
    const command = start(['doctor', '--json'], { env: { EVENTHUB_CONNECTION_STRING: silent.connectionString } })
    await expect.poll(() => silent.connections.length, patiently).toBe(1)
    command.signal('SIGINT')
    expect(await command.done).toBe(130)
    const { ok, problem, steps } = JSON.parse(command.stdout.text)
    expect(ok).toBe(false)
    expect(problem).toMatchObject({ code: 'interrupted' })
    expect(steps.at(-1)).toMatchObject({ status: 'skipped', code: 'interrupted' })
    const people = start(['doctor'], { env: { EVENTHUB_CONNECTION_STRING: silent.connectionString } })
    await expect.poll(() => people.stdout.text, patiently).toMatch(/^– websocket/m)
    people.signal('SIGTERM')
    expect(await people.done).toBe(143)
    expect(people.stdout.text).toMatch(/^– not reached: claims, hub, .*$/m)
    expect(people.stdout.text).toMatch(/\nInterrupted at sasl\. \(interrupted\)\n$/)
    await silent.close()
  })
})

describe('nonsense', () => {
  test.each([
    ['a text that is no connection string', 'what is this', /part without NAME=VALUE/],
    ['no key', 'Endpoint=sb://ns.servicebus.windows.net/;EntityPath=events', /SharedAccessKeyName and SharedAccessKey/],
    ['no host', 'Endpoint=sb://;SharedAccessKeyName=n;SharedAccessKey=k;EntityPath=e', /names no host|not a URL/],
    ['no event hub', 'Endpoint=sb://ns/;SharedAccessKeyName=n;SharedAccessKey=k', /Which event hub/],
  ])('%s is a failure of the settings, and ends with 2', async (_name, given, said) => {
    const { code, out } = await run(['doctor'], { env: { EVENTHUB_CONNECTION_STRING: given } })
    expect(code).toBe(2)
    expect(out).toMatch(/^✗ settings /m)
    expect(out).toMatch(said)
    const asJson = await run(['doctor', '--json'], { env: { EVENTHUB_CONNECTION_STRING: given } })
    expect(JSON.parse(asJson.out).problem).toMatchObject({ step: 'settings', code: 'settings-wrong' })
  })

  test.each([
    [['--partition', '\u001b[31m99'], 1, /There is no partition '\\x1b\[31m99'/],
    [['--hub', 'a b'], 2, /without spaces/],
    [['--hub', ''], 2, /--hub is empty/],
    [['--endpoint', ':::'], 2, /customEndpointAddress|host/],
    [['--timeout', '0'], 2, /whole number/],
    [['--transport', 'pigeon'], 2, /pigeon|Allowed choices/],
    [['--http-proxy', 'http://127.0.0.1:1'], 2, /amqpOverWebSocket/],
    [['extra'], 2, /argument/i],
  ])('%j ends with %i', async (args, expected, said) => {
    const bare = hub.connectionString.replace(/;EntityPath=[^;]*/, '')
    const hubName = args.includes('--hub') ? [] : ['--hub', 'events']
    const { code, out, error } = await run(['doctor', ...hubName, ...args], {
      env: { EVENTHUB_CONNECTION_STRING: bare },
    })
    expect({ code, text: out + error }).toEqual({ code: expected, text: expect.stringMatching(said) })
    expect(out + error).not.toContain('\u001b')
  })
})

describe('no secret is shown', () => {
  const secretParts = [key, 'the+key', 'nobody-may', encodeURIComponent(key), 'the-password']

  /** Everything that the command writes, in all its forms. */
  async function everythingOf(args: readonly string[], variables: object): Promise<string> {
    const given = { env: variables as Record<string, string> }
    const outputs = await Promise.all(
      [[], ['--verbose'], ['--json'], ['--json', '--verbose']].map((more) => run(['doctor', ...args, ...more], given)),
    )
    return outputs.map(({ out, error }) => out + error).join('\n')
  }

  const withoutSecrets = (text: string) => {
    for (const part of secretParts) expect(text).not.toContain(part)
    expect(text).not.toMatch(/sig=|SharedAccessSignature sr=\S/)
  }

  test('of a hub that is well, over each transport', async () => {
    for (const transport of ['amqp', 'amqpOverWebSocket', 'https']) {
      const port = transport === 'amqp' ? hub.amqpPort : hub.httpPort
      withoutSecrets(await everythingOf(['--transport', transport, '--endpoint', `127.0.0.1:${port}`], env()))
    }
  })

  test('of a refused key and a refused signature', async () => {
    const wrong = hub.connectionString.replace(/SharedAccessKeyName=root/, 'SharedAccessKeyName=other')
    withoutSecrets(await everythingOf([], { EVENTHUB_CONNECTION_STRING: wrong }))
    const signature = await createSharedAccessSignature('sb://127.0.0.1/events', 'root', 'another', 4_000_000_000)
    const signed = hub.connectionString.replace(/SharedAccessKeyName=.*?;SharedAccessKey=[^;]*/, () =>
      signature.replace(' ', '='),
    )
    const given = signed.replace('SharedAccessSignature=', 'SharedAccessSignature=SharedAccessSignature ')
    const text = await everythingOf([], { EVENTHUB_CONNECTION_STRING: given })
    expect(text).toContain('wrong-key')
    withoutSecrets(text)
    expect(text).not.toContain(/sig=([^&]+)/.exec(signature)?.[1])
  })

  test('of settings that are mixed up', async () => {
    withoutSecrets(await everythingOf(['--hub', connectionString()], env()))
    withoutSecrets(await everythingOf(['--endpoint', connectionString()], env()))
    withoutSecrets(await everythingOf(['--partition', connectionString()], env()))
  })

  test('of a proxy that wants another password', async () => {
    const proxy = await startConnectProxy({ credentials: 'user:something else' })
    const url = `http://user:the-password@127.0.0.1:${proxy.port}`
    const args = ['--transport', 'https', '--endpoint', `127.0.0.1:${hub.httpPort}`, '--http-proxy', url]
    const text = await everythingOf(args, env())
    expect(text).toContain('407')
    withoutSecrets(text)
    await proxy.close()
  })

  test('even where a peer says what it was told', async () => {
    const echo = createServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', (data) => {
        const token = /authorization: (.*)\r\n/i.exec(data.toString())?.[1] ?? 'none'
        const detail = `<Error><Detail>You said ${token}, and the key is ${key}</Detail></Error>`
        socket.write(
          `HTTP/1.1 418 No\r\nContent-Length: ${detail.length}\r\n\r\n${data.toString().startsWith('HEAD') ? '' : detail}`,
        )
      })
    })
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve))
    const { port } = echo.address() as { port: number }
    const text = await everythingOf(['--transport', 'https', '--endpoint', `127.0.0.1:${port}`], env())
    expect(text).toContain('You said [secret], and the key is [secret]')
    withoutSecrets(text)
    echo.close()
  })
})
