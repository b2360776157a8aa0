import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TransportType } from '../../core/index.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'

/** Each is the body of a program; when it is through, nothing ends the process but that nothing is left to do. */
const programs = {
  'after a send and close': `
    await client.sendEvent({ body: 'a' })
    await client.close()`,
  'after await using': `
    {
      await using scoped = client
      await scoped.sendEvent({ body: 'a' })
    }`,
  'after an invocation and close': `
    const invocation = client.beginInvocation({ timeoutInMs: 60_000 })
    void invocation.sendEvent({ body: 'a' }, { partitionKey: 'k' })
    await invocation.end()
    await client.close()`,
  'after close gave up what was buffered': `
    await client.sendEvent({ body: 'a' })
    const buffered = connect({ bufferedMode: true, maxWaitTimeInMs: 60_000, onSuccess() {}, onError() {} })
    await buffered.sendEvent({ body: 'b' }, { partitionId: '0' })
    await buffered.close({ flush: false })
    await client.close()`,
  'after close gave up a send that was to be tried again': `
    const failing = connect({ transportType: 'amqp', customEndpointAddress: '127.0.0.1:1' })
    const failed = failing.sendEvent({ body: 'a' }, { timeoutInMs: 60_000 }).catch(() => {})
    await client.sendEvent({ body: 'b' })
    await failing.close({ flush: false })
    await failed
    await client.close()`,
} as const

const source = `
import { EventHubProducerClient } from './core/index.js'
const [connectionString, transportType] = process.argv.slice(2)
const connect = (options) => EventHubProducerClient.fromConnectionString(connectionString, {
  transportType, ...(transportType === 'https' ? {} : { idleTimeoutInMs: 60_000 }), ...options,
})
const programs = {
  ${Object.entries(programs)
    .map(([name, body]) => `${JSON.stringify(name)}: async (client) => {${body}\n}`)
    .join(',\n')}
}
programs[process.argv[4]](connect({})).then(() => console.log(Date.now()))
`

let hub: LocalHub
let folder: string

beforeAll(async () => {
  hub = await startLocalHub()
  // Beside node_modules, where the optional package ws is found.
  folder = await mkdtemp(join(tmpdir(), 'sluice-exit-'))
  await build({
    stdin: { contents: source, resolveDir: process.cwd(), loader: 'ts' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    conditions: ['sluice-source'],
    outfile: join(folder, 'program.cjs'),
    logLevel: 'silent',
  })
})
afterAll(async () => {
  await hub.close()
  await rm(folder, { recursive: true })
})

describe.each<TransportType>(['amqp', 'amqpOverWebSocket', 'https'])(
  'over %s, a process ends by itself at once',
  (type) => {
    test.each(Object.keys(programs))('it is gone %s', async (program) => {
      const port = type === 'amqp' ? hub.amqpPort : hub.httpPort
      const text = hub.connectionString.replace(`:${hub.amqpPort}`, `:${port}`)
      const child = spawn(process.execPath, [join(folder, 'program.cjs'), text, type, program], {
        stdio: ['ignore', 'pipe', 'inherit'],
        timeout: 15_000,
      })
      let printed = ''
      child.stdout.on('data', (chunk) => {
        printed += chunk
      })
      const [code] = await once(child, 'exit')
      const endedAt = Date.now()
      expect(code).toBe(0)
      // From the end of the program to the end of the process; a timer left behind would keep it for seconds.
      expect(endedAt - Number(printed)).toBeLessThan(1000)
      await expect.poll(() => hub.connections.length).toBe(0)
    })
  },
)
