import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLocalHub } from '../../../infra/local-hub/index.js'

// The entry as it is deployed: bundled, in a process of its own, set up by nothing but its environment.

const key = 'front-door-key-of-a-test'
let folder: string
let entry: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-http-node-'))
  entry = join(folder, 'http-node.cjs')
  await build({
    entryPoints: ['infra/entrypoints/http-node.ts'],
    outfile: entry,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    conditions: ['sluice-source'],
    external: ['ws', '@azure/identity'],
    logLevel: 'silent',
  })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

interface Started {
  readonly process: ChildProcess
  readonly output: () => string
  readonly exited: Promise<number | null>
  /** Resolves with the output so far, once it holds `text`. */
  until(text: string): Promise<string>
}

function start(env: Record<string, string>): Started {
  const child = spawn(process.execPath, [entry], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const watchers = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      output += data
      for (const watcher of watchers) watcher()
    })
  }
  const exited = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  return {
    process: child,
    output: () => output,
    exited,
    until: (text) =>
      new Promise((resolve, reject) => {
        const check = () => {
          if (output.includes(text)) resolve(output)
        }
        watchers.add(check)
        check()
        void exited.then(() => reject(new Error(`It ended without saying '${text}': ${output}`)))
      }),
  }
}

const development =
  'Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=k;SharedAccessKey=cw==;UseDevelopmentEmulator=true;EntityPath=events'

test.each([
  ['EVENTHUB_CONNECTION_STRING', {}, 'EVENTHUB_CONNECTION_STRING is not set.'],
  ['FRONT_DOOR_KEY', { EVENTHUB_CONNECTION_STRING: development }, 'FRONT_DOOR_KEY is not set.'],
  [
    'a short FRONT_DOOR_KEY',
    { EVENTHUB_CONNECTION_STRING: development, FRONT_DOOR_KEY: 'tiny' },
    'at least 16 characters',
  ],
  [
    'PORT',
    { EVENTHUB_CONNECTION_STRING: development, FRONT_DOOR_KEY: key, PORT: 'eighty' },
    'PORT must be a number from 0 to 65535; it is eighty.',
  ],
])('without a usable %s it ends with a sentence', async (_, env, sentence) => {
  const started = start(env as Record<string, string>)
  expect(await started.exited).toBe(1)
  expect(started.output()).toContain(sentence)
  expect(started.output()).not.toMatch(/\n\s+at /)
})

test('a port that is taken is said in a sentence, and the process ends', async () => {
  const holder = createServer()
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
  const { port } = holder.address() as { port: number }
  const started = start({ EVENTHUB_CONNECTION_STRING: development, FRONT_DOOR_KEY: key, PORT: String(port) })
  expect(await started.exited).toBe(1)
  expect(started.output().trim()).toBe(
    `Port ${port} on 127.0.0.1 is taken. Stop what listens there, or choose another port with PORT=…`,
  )
  await new Promise((resolve) => holder.close(resolve))
})

test('it takes events until SIGTERM, answers the request under way, and ends', async () => {
  const hub = await startLocalHub()
  const started = start({
    EVENTHUB_CONNECTION_STRING: hub.connectionString,
    FRONT_DOOR_KEY: `${key} ${key}-of-old`,
    PORT: '0',
  })
  try {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(await started.until('Post events to'))?.[0] ?? ''
    const post = (body: string, authorization: string) =>
      fetch(`${url}/events`, { method: 'POST', body, headers: { 'content-type': 'application/json', authorization } })
    expect((await fetch(`${url}/health`)).status).toBe(200)
    expect((await post('1', 'Bearer wrong')).status).toBe(401)
    expect((await post('[1,2]', `Bearer ${key}`)).status).toBe(200)
    expect((await post('3', `Bearer ${key}-of-old`)).status).toBe(200)
    expect(
      hub
        .events('events')
        .map(({ body }) => body.toString())
        .sort(),
    ).toEqual(['1', '2', '3'])

    // An upload that is not finished when the signal comes. `continue` says that the server has it.
    const headers = { 'content-type': 'application/x-ndjson', authorization: `Bearer ${key}`, expect: '100-continue' }
    const upload = httpRequest(`${url}/events`, { method: 'POST', headers })
    const answered = new Promise<number | undefined>((resolve, reject) => {
      upload.on('response', (response) => resolve(response.resume().statusCode))
      upload.on('error', reject)
    })
    const begun = new Promise((resolve) => upload.on('continue', resolve))
    upload.flushHeaders()
    await begun
    upload.write('4\n')
    started.process.kill('SIGTERM')
    await started.until('SIGTERM')
    upload.end('5\n')
    expect(await answered).toBe(200)
    expect(await started.exited).toBe(0)
    expect(hub.events('events')).toHaveLength(5)
    expect(started.output()).not.toContain(key)
  } finally {
    started.process.kill('SIGKILL')
    await hub.close()
  }
})

test.each(['SIGTERM', 'SIGINT'] as const)(
  'a %s after a SIGTERM does not wait for the request under way',
  async (signal) => {
    const started = start({ EVENTHUB_CONNECTION_STRING: development, FRONT_DOOR_KEY: key, PORT: '0' })
    try {
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(await started.until('Post events to'))?.[0] ?? ''
      const headers = { 'content-type': 'application/x-ndjson', authorization: `Bearer ${key}`, expect: '100-continue' }
      const upload = httpRequest(`${url}/events`, { method: 'POST', headers })
      upload.on('error', () => {})
      const begun = new Promise((resolve) => upload.on('continue', resolve))
      upload.flushHeaders()
      await begun
      started.process.kill('SIGTERM')
      await started.until('SIGTERM')
      started.process.kill(signal)
      await started.exited
      expect(started.process.signalCode).toBe(signal)
    } finally {
      started.process.kill('SIGKILL')
    }
  },
)
