import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EventHubProducerClient } from '../../../core/index.js'
import type { CliEnvironment } from '../../../infra/cli/environment.js'
import { runCli } from '../../../infra/cli/run.js'
import { type LocalHub, startLocalHub } from '../../../infra/local-hub/index.js'
import { bundleCli } from '../bundle.js'
import { CapturedOutput, run, start } from '../in-process.js'

/** A busy machine may take its time. */
const patiently = { timeout: 10_000 }

let hub: LocalHub
beforeAll(async () => {
  hub = await startLocalHub({ eventHubs: { few: {}, many: { partitionCount: 1 }, quiet: { partitionCount: 1 } } })
  await using few = EventHubProducerClient.fromConnectionString(hub.connectionStringFor('few'))
  for (const id of ['0', '1', '2']) await few.sendEvent({ body: `event of ${id}` }, { partitionId: id })
  await using many = EventHubProducerClient.fromConnectionString(hub.connectionStringFor('many'))
  const events = Array.from({ length: 3000 }, (_, at) => ({ body: `${at} ${'x'.repeat(300)}` }))
  await many.sendBatch(events, { partitionId: '0' })
})
afterAll(() => hub.close())

const env = (name = 'few') => ({ EVENTHUB_CONNECTION_STRING: hub.connectionStringFor(name) })
const linesOf = (text: string) => text.split('\n').slice(0, -1)

describe('sluice tail', () => {
  test('shows a line for each event and ends with 0 at the end', async () => {
    const { code, out, error } = await run(['tail', '--no-follow'], { env: env() })
    expect({ code, error }).toEqual({ code: 0, error: '' })
    expect(linesOf(out)).toHaveLength(3)
    expect(out).toMatch(/^\S+Z {3}1 {8}0 {2}- +event of 1$/m)
  })

  test('writes whole events with --json, and with --format ndjson', async () => {
    const asJson = await run(['tail', '--no-follow', '--json'], { env: env() })
    const events = linesOf(asJson.out).map((line) => JSON.parse(line))
    expect(events.map(({ body }) => body).sort()).toEqual(['event of 0', 'event of 1', 'event of 2'])
    const asNdjson = await run(['tail', '--no-follow', '--format', 'ndjson'], { env: env() })
    expect(linesOf(asNdjson.out).sort()).toEqual(linesOf(asJson.out).sort())
  })

  test('writes JSON that acts on no terminal either, and says the same', async () => {
    const evil = 'a\u001b[2J\u009b31m\u202etxt\u2066\u007f\ufeff\n'
    const own = await startLocalHub()
    await using client = EventHubProducerClient.fromConnectionString(own.connectionString)
    await client.sendEvent({ body: evil }, { partitionId: '0' })
    const args = ['tail', '--no-follow', '--from', 'earliest', '--json']
    const { out } = await run(args, { env: { EVENTHUB_CONNECTION_STRING: own.connectionString } })
    expect(out.trimEnd()).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069\ufeff]/u)
    expect(JSON.parse(out).body).toBe(evil)
    await own.close()
  })

  test('stops after --count events, of the partitions that are named', async () => {
    const args = ['tail', '--partition', '1', '--partition', '2', '--from', 'earliest', '--count', '2', '--json']
    const { code, out } = await run(args, { env: env() })
    expect(code).toBe(0)
    expect(
      linesOf(out)
        .map((line) => JSON.parse(line).partitionId)
        .sort(),
    ).toEqual(['1', '2'])
  })

  test('is coloured on a terminal alone, and fits its width', async () => {
    const { out } = await run(['tail', '--no-follow', '--count', '1'], { env: env('many'), isTTY: true })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    expect(out).toMatch(/^\u001b\[2m/)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: as above.
    expect(out.replace(/\u001b\[\d+m/g, '').trimEnd()).toHaveLength(100)
    const plain = await run(['tail', '--no-follow', '--count', '1'], {
      env: { ...env('many'), NO_COLOR: '1' },
      isTTY: true,
    })
    expect(plain.out).not.toContain('\u001b')
  })

  test('ends at Ctrl+C with 130, and with 143 at SIGTERM', async () => {
    for (const [signal, expected] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      const command = start(['tail', '--from', 'earliest'], { env: env() })
      await expect.poll(() => linesOf(command.stdout.text).length, patiently).toBe(3)
      command.signal(signal)
      expect(await command.done).toBe(expected)
    }
    await expect.poll(() => hub.connections.length, patiently).toBe(0)
  })

  test('ends at Ctrl+C also while its output has no room', async () => {
    const command = start(['tail', '--from', 'earliest'], { env: env() })
    command.stdout.write = () => false
    command.stdout.drained = () => new Promise(() => {})
    await expect.poll(() => hub.connections.length, patiently).toBe(1)
    command.signal('SIGINT')
    expect(await command.done).toBe(130)
  })

  test('says on a terminal that it is reading, so that a quiet event hub is no riddle', async () => {
    const command = start(['tail', '--partition', '0', '--partition', '0'], { env: env('quiet'), isTTY: true })
    await expect
      .poll(() => command.stderr.text, patiently)
      .toBe("Reading 'quiet', partition 0. Press Ctrl+C to stop.\n")
    command.signal('SIGINT')
    await command.done
  })

  test('ends with 0 when nobody reads its output any more', async () => {
    const command = start(['tail', '--from', 'earliest'], { env: env('quiet') })
    await expect.poll(() => hub.connections.length, patiently).toBe(1)
    command.stdout.close()
    expect(await command.done).toBe(0)
  })

  test('takes no event more while its output has no room', async () => {
    const written: string[] = []
    let makeRoom = () => {}
    const stdout = {
      isTTY: false,
      columns: 80,
      closed: new AbortController().signal,
      write: (text: string | Uint8Array) => {
        written.push(String(text))
        return false
      },
      drained: () =>
        new Promise<void>((resolve) => {
          makeRoom = resolve
        }),
    }
    const environment: CliEnvironment = {
      stdin: Readable.from([]),
      stdout,
      stderr: new CapturedOutput(false),
      env: env('many'),
      now: Date.now,
      every: () => () => {},
      onSignal: () => () => {},
      exit: () => {},
    }
    const done = runCli(['tail', '--no-follow', '--count', '3'], environment)
    for (let count = 1; count <= 3; count++) {
      await expect.poll(() => written.length, patiently).toBe(count)
      // All 3000 could have come by now.
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
      expect(written).toHaveLength(count)
      makeRoom()
    }
    expect(await done).toBe(0)
  })

  test.each([
    [['--transport', 'https'], /cannot be read over https.*--transport amqp/],
    [['--from', 'yesterday'], /--from: 'yesterday' is no position.*earliest/],
    [['--format', 'xml'], /--format must be pretty or ndjson, not 'xml'/],
    [['--format', 'pretty', '--json'], /exclude each other/],
    [['--count', '0'], /whole number of at least 1/],
    [['--hub', ' '], /--hub is empty/],
    [['extra'], /argument/],
  ])('%j ends with 2, and says what to do', async (args, said) => {
    const { code, out, error } = await run(['tail', ...args], { env: env() })
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(error).toMatch(said)
  })

  test('a key that may not read ends with 1, and with what to do', async () => {
    const wrong = env().EVENTHUB_CONNECTION_STRING.replace(/SharedAccessKey=[^;]*/, 'SharedAccessKey=a-wrong-key')
    const { code, error } = await run(['tail'], { env: { EVENTHUB_CONNECTION_STRING: wrong } })
    expect(code).toBe(1)
    expect(error).toMatch(/^sluice: .*Listen right.*`sluice doctor` tells more/)
    expect(error).not.toContain('a-wrong-key')
  })

  test('a host that is not there ends with 1, and points to the doctor', async () => {
    const gone = env().EVENTHUB_CONNECTION_STRING.replace(/127\.0\.0\.1:\d+/, '127.0.0.1:1')
    const { code, error } = await run(['tail'], { env: { EVENTHUB_CONNECTION_STRING: gone } })
    expect(code).toBe(1)
    expect(error).toMatch(/^sluice: .*ECONNREFUSED.* `sluice doctor` tells more\.$/m)
  })
})

describe('a process of its own', () => {
  let bundle: Awaited<ReturnType<typeof bundleCli>>
  beforeAll(async () => {
    bundle = await bundleCli()
  })
  afterAll(() => bundle.remove())

  function tailing(name: string, ...args: string[]) {
    const command = [bundle.program, 'tail', '--from', 'earliest', ...args]
    return spawn(process.execPath, command, {
      env: { ...process.env, ...env(name) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }

  test('ends cleanly when its reader has seen enough', async () => {
    const child = tailing('many')
    const errors: Buffer[] = []
    child.stderr.on('data', (chunk) => errors.push(chunk))
    await once(child.stdout, 'data')
    child.stdout.destroy()
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(Buffer.concat(errors).toString()).toBe('')
  })

  test('waits for a reader that is slow, and then goes on', async () => {
    const child = tailing('many', '--no-follow', '--json')
    child.stdout.pause()
    // The pipe is full long before all events are in it: the rest waits at the hub.
    await expect.poll(() => hub.connections.length, { timeout: 10_000 }).toBe(1)
    const ended = once(child, 'exit')
    const lines = linesOf(await text(child.stdout))
    expect(lines).toHaveLength(3000)
    expect(lines.map((line) => JSON.parse(line).sequenceNumber)).toEqual(lines.map((_, at) => at))
    expect(await ended).toEqual([0, null])
  })
})
