import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { EventHubProducerClient } from '@azure/event-hubs'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleCli } from './bundle.js'
import { run, start } from './in-process.js'

// The page is built by `npm run build`; test/integration/package.test.ts has it.
const anyPorts = ['hub', '--port', '0', '--http-port', '0', '--no-page']

/** Starts the hub and stops it as soon as it has said something, or has failed. */
async function startAndStop(args: readonly string[]) {
  const command = start(args)
  await expect.poll(() => command.stdout.text + command.stderr.text).not.toBe('')
  command.signal('SIGINT')
  return { code: await command.done, out: command.stdout.text, error: command.stderr.text }
}

describe('sluice hub', () => {
  test('prints a connection string that the official client can use', async () => {
    const command = start([...anyPorts, '--hub', 'orders', '--partitions', '2', '--key', 'my-key'])
    await expect.poll(() => command.stdout.text).toContain('Endpoint=')
    expect(command.stdout.text).toMatch(/event hub orders\.\nAMQP on port \d+, HTTP on port \d+\.\n/)
    const connectionString = /Endpoint=\S+/.exec(command.stdout.text)?.[0] ?? ''
    expect(connectionString).toMatch(
      /^Endpoint=sb:\/\/127\.0\.0\.1:\d+;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=my-key;EntityPath=orders;UseDevelopmentEmulator=true$/,
    )
    const producer = new EventHubProducerClient(connectionString)
    expect(await producer.getPartitionIds()).toEqual(['0', '1'])
    await producer.close()
    command.signal('SIGTERM')
    expect(await command.done).toBe(0)
  })

  test('takes several event hubs, and prints a connection string for each', async () => {
    const { code, out, error } = await startAndStop([...anyPorts, '--hub', 'a', '--hub', 'b'])
    expect([code, error]).toEqual([0, ''])
    expect(out.match(/EntityPath=\w/g)).toEqual(['EntityPath=a', 'EntityPath=b'])
    expect(out).toContain('SharedAccessKey=SAS_KEY_VALUE')
  })

  test('--json: one line that a program can read', async () => {
    const { code, out } = await startAndStop([...anyPorts, '--json'])
    expect(code).toBe(0)
    expect(out.match(/\n/g)).toHaveLength(1)
    expect(JSON.parse(out)).toEqual({
      host: '127.0.0.1',
      amqpPort: expect.any(Number),
      httpPort: expect.any(Number),
      page: null,
      eventHubs: [{ name: 'events', connectionString: expect.stringContaining('EntityPath=events') }],
    })
  })

  test.each([
    [['hub', '--colour', 'red'], "sluice: Unknown option '--colour'. Use --help to see what there is.", 2],
    [['hub', '--partition', '3'], "sluice: Unknown option '--partition'. Did you mean --partitions?", 2],
    [['hub', 'extra'], /^sluice: Too many arguments for 'hub'\. .*\. Use --help to see what there is\.$/, 2],
    [['hub', '--port'], /^sluice: Option '--port <port>' argument missing\. Use --help/, 2],
    [['hub', '--port', 'amqp'], /--port <port>.* 'amqp' is invalid\. It must be a whole number from 0 to 65535\./, 2],
    [['hub', '--port', '70000'], /'70000' is invalid\. It must be a whole number from 0 to 65535\./, 2],
    [[...anyPorts, '--partitions', '0'], /'0' is invalid\. It must be a whole number of at least 1\./, 2],
    [[...anyPorts, '--open'], 'sluice: --open opens the page, and --no-page serves none. Keep one of them.', 2],
    [[...anyPorts, '--hub', 'no/slash'], /'no\/slash' is not a name for an event hub/, 2],
    [
      [...anyPorts, '--host', '192.0.2.1'],
      "sluice: This machine has no address '192.0.2.1' to listen on. Choose another with --host.",
      1,
    ],
    [
      [...anyPorts, '--host', 'nowhere.invalid'],
      /^sluice: This machine has no address 'nowhere\.invalid' to listen on/,
      1,
    ],
  ])('%j: one clear sentence', async (args, sentence, expected) => {
    const { code, out, error } = await run(args)
    expect([code, out]).toEqual([expected, ''])
    expect(error.trimEnd()).toMatch(sentence)
    expect(error.trimEnd()).not.toContain('\n')
  })

  test('a port that is taken: says which one, and what to do', async () => {
    const blocker = createServer().listen(0, '127.0.0.1')
    await once(blocker, 'listening')
    const { port } = blocker.address() as { port: number }
    for (const args of [
      ['hub', '--no-page', '--port', String(port), '--http-port', '0'],
      ['hub', '--no-page', '--port', '0', '--http-port', String(port)],
    ]) {
      const { code, error } = await run(args)
      expect(code).toBe(1)
      expect(error).toBe(
        `sluice: Port ${port} is in use already. Choose another with --port (AMQP) or --http-port (HTTP); 0 takes any free port.\n`,
      )
    }
    blocker.close()
  })

  test('warns where others can connect', async () => {
    const { code, error } = await startAndStop([...anyPorts, '--host', '0.0.0.0'])
    expect(code).toBe(0)
    expect(error).toContain('Warning: listening on 0.0.0.0, so other machines can connect.')
  })
})

describe('the local hub', () => {
  test('consists of nothing but its own folder: no package, no core', async () => {
    const { metafile, outputFiles } = await build({
      entryPoints: ['infra/local-hub/index.ts'],
      bundle: true,
      platform: 'node',
      format: 'esm',
      write: false,
      metafile: true,
    })
    const sources = Object.keys(metafile.inputs)
    expect(sources.length).toBeGreaterThan(10)
    expect(sources.filter((path) => !path.startsWith('infra/local-hub/'))).toEqual([])
    expect(outputFiles[0]?.contents.byteLength).toBeLessThan(150_000)
  })
})

describe('the program', () => {
  let bundle: Awaited<ReturnType<typeof bundleCli>>
  beforeAll(async () => {
    bundle = await bundleCli()
  })
  afterAll(() => bundle.remove())

  test.each(['SIGINT', 'SIGTERM'] as const)('hub ends cleanly on %s', async (signal) => {
    const child = spawn(bundle.program, anyPorts, { stdio: ['ignore', 'pipe', 'pipe'] })
    const chunks: Buffer[] = []
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
    const [greeting] = (await once(child.stdout, 'data')) as [Buffer]
    expect(String(greeting)).toContain('Press Ctrl+C to stop.')
    child.kill(signal)
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(String(Buffer.concat(chunks))).toBe('')
  })

  test('a long text reaches a slow reader whole', async () => {
    const child = spawn('bash', ['-c', '"$0" help hub | (sleep 0.2; cat)', bundle.program])
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(String(Buffer.concat(chunks))).toContain('Examples:')
  })
})
