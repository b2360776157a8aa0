import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startLocalHub } from '../../../infra/local-hub/index.js'
import { until } from '../support/until.js'
import { type RuntimeName, start } from './runtimes.js'

// The entries of infra/entrypoints, set up as docs say: what is not in them is not deployed.

const entries: Readonly<Record<RuntimeName, string>> = {
  node: 'infra/entrypoints/http-node.ts',
  workerd: 'infra/entrypoints/cloudflare.ts',
  deno: 'infra/entrypoints/http-deno-bun.ts',
  bun: 'infra/entrypoints/http-deno-bun.ts',
}
const key = 'front-door-key-of-a-test'
const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` }

async function startDeployed(runtime: RuntimeName) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-deployed-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const hub = await startLocalHub()
  onTestFinished(() => hub.close())
  // A Worker sends by HTTPS, and the connection string of a development hub names the port.
  const port = runtime === 'workerd' ? hub.httpPort : hub.amqpPort
  const door = await start(runtime, {
    entry: entries[runtime],
    folder,
    env: {
      EVENTHUB_CONNECTION_STRING: hub.connectionString.replace(`:${hub.amqpPort}`, `:${port}`),
      FRONT_DOOR_KEY: key,
      PORT: '0',
    },
  })
  onTestFinished(() => door.stop())
  const post = (body: string) => fetch(`${door.url}/events`, { method: 'POST', body, headers })
  return { hub, door, post }
}

test.each(['node', 'workerd', 'deno', 'bun'] as const)(
  'the entry for %s publishes for who has the key, request after request',
  async (runtime) => {
    const { hub, door, post } = await startDeployed(runtime)
    expect((await fetch(`${door.url}/events`, { method: 'POST', body: '0' })).status).toBe(401)
    for (const body of ['1', '[2,3]', '4']) expect((await post(body)).status).toBe(200)
    expect(
      hub
        .events('events')
        .map(({ body }) => body.toString())
        .sort(),
    ).toEqual(['1', '2', '3', '4'])
    expect(door.output).not.toContain(key)
  },
)

test.each(['node', 'deno', 'bun'] as const)(
  'told to stop, the entry for %s answers the request under way, takes no other, and ends',
  async (runtime) => {
    const { hub, door, post } = await startDeployed(runtime)
    expect((await post('1')).status).toBe(200)
    hub.faults.latencyInMs = 1_000
    const answering = post('2')
    await until('it had landed', () => hub.events('events').length === 2)
    door.process.kill('SIGTERM')
    await until('it said so', () => door.output.includes('SIGTERM'))
    await until('no other was taken', () =>
      post('3').then(
        () => false,
        () => true,
      ),
    )
    expect((await answering).status).toBe(200)
    if (door.process.exitCode === null) await once(door.process, 'close')
    expect(door.process.exitCode).toBe(0)
    expect(hub.events('events')).toHaveLength(2)
  },
)
