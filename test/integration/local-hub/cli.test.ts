import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventHubProducerClient } from '@azure/event-hubs'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from '../../../infra/local-hub/run-cli.js'

const anyPorts = ['--port', '0', '--http-port', '0']

/** Runs the command line in this process until its greeting is out, or until it is over. */
async function run(args: readonly string[], untilStopped: Promise<void> = Promise.resolve()) {
  const output = { out: '', error: '' }
  const code = await runCli(args, {
    write: (text) => {
      output.out += text
    },
    writeError: (text) => {
      output.error += text
    },
    untilStopped: () => untilStopped,
  })
  return { code, ...output }
}

describe('the command line', () => {
  test('prints a connection string that the official client can use', async () => {
    let stop = (): void => {}
    let printed = ''
    const stopped = new Promise<void>((resolve) => {
      stop = resolve
    })
    const running = runCli([...anyPorts, '--hub', 'orders', '--partitions', '2', '--key', 'my-key'], {
      write: (text) => {
        printed += text
      },
      writeError: (text) => {
        printed += text
      },
      untilStopped: () => stopped,
    })
    await expect.poll(() => printed).toContain('Endpoint=')
    expect(printed).toMatch(/event hub orders\.\nAMQP on port \d+, HTTP on port \d+\.\n/)
    const connectionString = /Endpoint=\S+/.exec(printed)?.[0] ?? ''
    expect(connectionString).toMatch(
      /^Endpoint=sb:\/\/127\.0\.0\.1:\d+;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=my-key;EntityPath=orders;UseDevelopmentEmulator=true$/,
    )
    const producer = new EventHubProducerClient(connectionString)
    expect(await producer.getPartitionIds()).toEqual(['0', '1'])
    await producer.close()
    stop()
    expect(await running).toBe(0)
  })

  test('takes several event hubs, and prints a connection string for each', async () => {
    const { code, out, error } = await run([...anyPorts, '--hub', 'a', '--hub', 'b'])
    expect([code, error]).toEqual([0, ''])
    expect(out.match(/EntityPath=\w/g)).toEqual(['EntityPath=a', 'EntityPath=b'])
    expect(out).toContain('SharedAccessKey=SAS_KEY_VALUE')
  })

  test.each([
    [['--colour', 'red'], "Unknown option '--colour'. Use --help for the options."],
    [['extra'], /^Unexpected argument 'extra'\..* Use --help for the options\.$/],
    [['--port'], /^Option '--port <value>' argument missing\. Use --help for the options\.$/],
    [['--port', 'amqp'], "--port must be a whole number, not 'amqp'."],
    [['--port', '70000'], '--port must be a port from 0 to 65535, not 70000.'],
    [[...anyPorts, '--partitions', '0'], /partitionCount must be a whole number of at least 1/],
    [[...anyPorts, '--hub', 'no/slash'], /'no\/slash' is not a name for an event hub/],
    [
      [...anyPorts, '--host', '192.0.2.1'],
      "This machine has no address '192.0.2.1' to listen on. Choose another with --host.",
    ],
  ])('%j: one clear sentence and exit code 1', async (args, sentence) => {
    const { code, out, error } = await run(args)
    expect([code, out]).toEqual([1, ''])
    expect(error.trimEnd()).toMatch(sentence)
    expect(error.trimEnd()).not.toContain('\n')
  })

  test('a port that is taken: says which one, and what to do', async () => {
    const blocker = createServer().listen(0, '127.0.0.1')
    await once(blocker, 'listening')
    const { port } = blocker.address() as { port: number }
    for (const args of [
      ['--port', String(port), '--http-port', '0'],
      ['--port', '0', '--http-port', String(port)],
    ]) {
      const { code, error } = await run(args)
      expect(code).toBe(1)
      expect(error).toBe(
        `Port ${port} is in use already. Choose another with --port (AMQP) or --http-port (HTTP); 0 takes any free port.\n`,
      )
    }
    blocker.close()
  })

  test('warns where others can connect, and shows its options on request', async () => {
    const { code, error } = await run([...anyPorts, '--host', '0.0.0.0'])
    expect(code).toBe(0)
    expect(error).toContain('Warning: listening on 0.0.0.0, so other machines can connect.')
    const help = await run(['--help'])
    expect(help.code).toBe(0)
    for (const flag of ['--host', '--port', '--http-port', '--hub', '--partitions', '--key'])
      expect(help.out).toContain(flag)
  })
})

describe('the program', () => {
  let folder: string
  let program: string
  let sources: string[]

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'local-hub-'))
    program = join(folder, 'cli.mjs')
    const { metafile } = await build({
      entryPoints: ['infra/local-hub/cli.ts'],
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: program,
      metafile: true,
    })
    sources = Object.keys(metafile.inputs)
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('consists of nothing but its own folder: no package, no core', async () => {
    expect(sources.length).toBeGreaterThan(10)
    expect(sources.filter((path) => !path.startsWith('infra/local-hub/'))).toEqual([])
    expect((await readFile('infra/local-hub/cli.ts', 'utf8')).startsWith('#!/usr/bin/env node\n')).toBe(true)
    expect((await stat(program)).size).toBeLessThan(150_000)
  })

  test.each(['SIGINT', 'SIGTERM'] as const)('ends cleanly on %s', async (signal) => {
    const child = spawn(process.execPath, [program, ...anyPorts], { stdio: ['ignore', 'pipe', 'pipe'] })
    const chunks: Buffer[] = []
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
    const [greeting] = (await once(child.stdout, 'data')) as [Buffer]
    expect(String(greeting)).toContain('Press Ctrl+C to stop.')
    child.kill(signal)
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(String(Buffer.concat(chunks))).toBe('')
  })
})
