import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CliEnvironment } from '../../infra/cli/environment.js'
import { addTargetOptions, clientFor, readTarget, type TargetOptions, targetHelp } from '../../infra/cli/target.js'
import { CapturedOutput } from './in-process.js'

const connectionString = 'Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=name;SharedAccessKey=secret-key'
const identity = { namespace: 'ns.servicebus.windows.net', hub: 'orders' }

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-target-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function read(options: TargetOptions, env: Record<string, string> = {}) {
  const stderr = new CapturedOutput(false)
  const target = await readTarget(options, { env, stderr } as unknown as CliEnvironment)
  return { target, warning: stderr.text }
}

test('the options read on the command line are those that are read here, and the help names the variables', () => {
  const command = addTargetOptions(new Command()).exitOverride()
  const args = ['--namespace', 'a', '--hub', 'b', '--transport', 'https', '--ca-file', 'c', '--endpoint', 'd']
  command.parse([...args, '--http-proxy', 'e', '--connection-string-file', 'f'], { from: 'user' })
  expect(command.opts()).toEqual({
    namespace: 'a',
    hub: 'b',
    transport: 'https',
    caFile: 'c',
    endpoint: 'd',
    httpProxy: 'e',
    connectionStringFile: 'f',
  } satisfies TargetOptions)
  for (const name of ['CONNECTION_STRING', 'NAME', 'FULLY_QUALIFIED_NAMESPACE', 'HTTP_PROXY']) {
    expect(targetHelp).toContain(`EVENTHUB_${name}`)
  }
})

describe('where to send', () => {
  test('is told by the environment, and by options before it', async () => {
    const env = { EVENTHUB_CONNECTION_STRING: connectionString, EVENTHUB_NAME: 'from-environment' }
    const { target, warning } = await read({}, env)
    expect(target).toMatchObject({ kind: 'connection-string', connectionString, eventHubName: 'from-environment' })
    expect(warning).toBe('')
    expect((await read({ hub: 'orders' }, env)).target).toMatchObject({ eventHubName: 'orders' })
    expect((await read(identity, env)).target).toMatchObject({ kind: 'identity', eventHubName: 'orders' })
  })

  test('is told by a namespace and an identity', async () => {
    const env = { EVENTHUB_FULLY_QUALIFIED_NAMESPACE: identity.namespace, EVENTHUB_NAME: 'orders' }
    for (const { target } of [await read({}, env), await read(identity)]) {
      const client = clientFor(target, {})
      expect([client.fullyQualifiedNamespace, client.eventHubName]).toEqual([identity.namespace, 'orders'])
    }
  })

  test('is told by a file, whatever the editor put around it', async () => {
    const path = join(folder, 'connection.txt')
    await writeFile(path, `\uFEFF${connectionString}\r\n`)
    const { target, warning } = await read({ connectionStringFile: path, hub: 'orders' })
    expect(target).toMatchObject({ connectionString })
    expect(warning).toBe('')
    expect(clientFor(target, {}).eventHubName).toBe('orders')
  })

  test('a secret among the arguments works, with a warning that does not repeat it', async () => {
    const { target, warning } = await read({ connectionString })
    expect(target).toMatchObject({ connectionString })
    expect(warning).toMatch(/^Warning: other users .* Set EVENTHUB_CONNECTION_STRING/)
    expect(warning).not.toContain('secret-key')
  })

  test('--hub wins over the EntityPath of the variable, and that of an option over EVENTHUB_NAME', async () => {
    const set = { EVENTHUB_CONNECTION_STRING: `${connectionString}; EntityPath = orders` }
    const { target } = await read({ hub: 'copy' }, set)
    expect(target).toMatchObject({ eventHubName: 'copy' })
    expect(clientFor(target, {}).eventHubName).toBe('copy')
    const typed = { connectionString: `EntityPath=orders;${connectionString}` }
    const other = (await read(typed, { EVENTHUB_NAME: 'copy' })).target
    expect(clientFor(other, {}).eventHubName).toBe('orders')
    expect(clientFor((await read({ hub: 'orders' }, set)).target, {}).eventHubName).toBe('orders')
    await expect(read({ ...typed, hub: 'copy' })).rejects.toThrow(
      "Which event hub? --hub is 'copy', and the connection string's EntityPath is 'orders'. Leave one of them out.",
    )
    await expect(read({}, { ...set, EVENTHUB_NAME: 'copy' })).rejects.toThrow("EVENTHUB_NAME is 'copy', and")
  })

  test('a connection string without EntityPath asks for the event hub', async () => {
    const { target } = await read({}, { EVENTHUB_CONNECTION_STRING: connectionString })
    expect(() => clientFor(target, {})).toThrow('Add --hub NAME, or set EVENTHUB_NAME.')
  })

  const emptyFile = 'empty.txt'
  test.each<[TargetOptions, Record<string, string>, RegExp]>([
    [{}, {}, /^Which event hub\? Set EVENTHUB_CONNECTION_STRING/],
    [{ connectionString, ...identity }, {}, /^Both --connection-string and --namespace are given\./],
    [
      {},
      { EVENTHUB_CONNECTION_STRING: 'a', EVENTHUB_FULLY_QUALIFIED_NAMESPACE: 'b' },
      /^Both EVENTHUB_CONN.* Keep the/,
    ],
    [{ namespace: 'ns' }, {}, /^Which event hub of the namespace\? Add --hub NAME/],
    [{ connectionStringFile: emptyFile }, {}, /is empty\. It must hold a connection string/],
    [{ ...identity, httpProxy: 'http://proxy:3128' }, {}, /cannot carry plain AMQP/],
    [{ ...identity }, { EVENTHUB_HTTP_PROXY: 'http://proxy:3128' }, /cannot carry plain AMQP/],
    [{ ...identity, transport: 'https', httpProxy: 'https://user:hunter2@proxy' }, {}, /must be a URL such as http:/],
    [{ ...identity, transport: 'https', caFile: 'ca.pem' }, {}, /NODE_EXTRA_CA_CERTS/],
  ])('%j %j: refused as a wrong command line, in a sentence without secrets', async (options, env, sentence) => {
    await writeFile(join(folder, emptyFile), '\n')
    const { connectionStringFile: file, ...rest } = options
    const given = file === undefined ? rest : { ...rest, connectionStringFile: join(folder, file) }
    const error = await read(given, env).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ name: 'CliError', exitCode: 2, message: expect.stringMatching(sentence) })
    expect(String(error)).not.toMatch(/secret-key|hunter2/)
  })

  test('transport, proxy, endpoint and authorities reach the client', async () => {
    const caFile = join(folder, 'ca.pem')
    await writeFile(caFile, '-----BEGIN CERTIFICATE-----\n')
    const { target } = await read({
      ...identity,
      transport: 'amqpOverWebSocket',
      httpProxy: 'http://us%40er:pass@[::1]:3128',
      endpoint: 'example.net:444',
      caFile,
    })
    expect(target.clientOptions).toMatchObject({
      transportType: 'amqpOverWebSocket',
      customEndpointAddress: 'example.net:444',
      httpProxy: { hostname: '[::1]', port: 3128, username: 'us@er', password: 'pass' },
      tls: { ca: expect.any(Buffer) },
    })
    expect(clientFor(target, {}).transportName).toBe('amqpOverWebSocket')
  })
})
