import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { until } from '../support/until.js'
import { frontDoorKey, openFrontDoor, type RunningDoor } from './front-door.js'

const require = createRequire(import.meta.url)
const flowFile = new URL('../../../infra/workflows/node-red/flow.json', import.meta.url)

interface Message {
  readonly payload: unknown
  readonly [property: string]: unknown
}

/** Of Node-RED, what is used here. */
interface NodeRed {
  init(server: undefined, settings: object): void
  start(): Promise<void>
  stop(): Promise<void>
  readonly hooks: { add(name: string, hook: (received: { destination: { id: string }; msg: Message }) => void): void }
  readonly events: { once(name: string, listener: () => void): void }
  readonly nodes: { getNode(id: string): { receive(message: object): void } | null }
}

// One Node-RED for the file: it cannot be started twice in a process.
const RED: NodeRed = require('node-red')
const userDir = mkdtempSync(join(tmpdir(), 'sluice-node-red-'))
const received: { readonly id: string; readonly msg: Message }[] = []
let door: RunningDoor

beforeAll(async () => {
  door = await openFrontDoor()
  process.env.SLUICE_URL = door.url
  process.env.SLUICE_KEY = frontDoorKey
  writeFileSync(join(userDir, 'flows.json'), readFileSync(flowFile))
  RED.init(undefined, {
    userDir,
    flowFile: 'flows.json',
    credentialSecret: 'none',
    httpAdminRoot: false,
    httpNodeRoot: false,
    telemetry: { enabled: false },
    logging: { console: { level: 'off' } },
  })
  RED.hooks.add('onReceive.outputs', ({ destination, msg }) => {
    if (['sluice-accepted', 'sluice-failed', 'sluice-wait'].includes(destination.id)) {
      received.push({ id: destination.id, msg })
    }
  })
  const started = new Promise<void>((resolve) => RED.events.once('flows:started', resolve))
  await RED.start()
  await started
})

afterAll(async () => {
  await RED.stop()
  await door.close()
  rmSync(userDir, { recursive: true, force: true })
})

beforeEach(() => {
  received.length = 0
  door.hub.faults.reset()
})

function at(id: string): Message[] {
  return received.filter((message) => message.id === id).map(({ msg }) => msg)
}

function give(message: object): void {
  RED.nodes.getNode('sluice-events')?.receive(message)
}

test('what arrives at the flow is in the event hub, with its key', async () => {
  give({ payload: { temperature: 21.5 }, partitionKey: 'dévice 7' })
  await until('it is accepted', () => at('sluice-accepted').length === 1)
  expect(at('sluice-accepted')[0]?.payload).toEqual([
    { index: 0, status: 'accepted', retryable: false, event: { temperature: 21.5 } },
  ])
  expect(door.landed()).toContainEqual({ body: { temperature: 21.5 }, partitionKey: 'dévice 7' })
})

test('an array is several events, whatever JSON they are', async () => {
  const events = [[1, 2], 'a text', null, { nested: [] }]
  give({ payload: events, partitionKey: 'array' })
  await until('they are accepted', () => at('sluice-accepted').length === 1)
  const landed = door.landed().filter(({ partitionKey }) => partitionKey === 'array')
  expect(landed.map(({ body }) => body)).toEqual(events)
})

test('a throttled event hub is tried again after the time that it asks for', async () => {
  door.hub.faults.throttle = { retryAfterInSeconds: 1 }
  give({ payload: { n: 'throttled' }, partitionKey: 'throttled' })
  await until('it waits', () => at('sluice-wait').length === 1)
  expect(at('sluice-wait')[0]?.delay).toBeGreaterThanOrEqual(1000)
  door.hub.faults.throttle = undefined
  await until('it is accepted', () => at('sluice-accepted').length === 1)
  expect(door.landed().filter(({ partitionKey }) => partitionKey === 'throttled')).toHaveLength(1)
})

test('of a batch, only what was not accepted is sent again', async () => {
  const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
  // One partition's send is rejected, once: the answer is 207.
  door.hub.faults.rejectNext({ condition: 'amqp:internal-error', partitionId: '0' })
  give({ payload: keys.map((name) => ({ half: name })) })
  await until(
    'both halves are accepted',
    () => {
      const accepted = at('sluice-accepted').flatMap(({ payload }) => payload as unknown[])
      return accepted.length === keys.length
    },
    20_000,
  )
  const landed = door.landed().filter(({ body }) => typeof body === 'object' && body !== null && 'half' in body)
  expect(landed.map(({ body }) => (body as { half: string }).half).sort()).toEqual(keys)
})

test('what can never be accepted comes out at "not accepted", each event with its reason', async () => {
  give({ payload: ['x'.repeat(2_000_000)] })
  await until('it has failed', () => at('sluice-failed').length === 1)
  expect(at('sluice-failed')[0]?.payload).toMatchObject([{ status: 'refused', code: 'event-too-large' }])
})

test('the file holds no key and no address', () => {
  const text = readFileSync(flowFile, 'utf8')
  expect(text).not.toContain(frontDoorKey)
  expect(text.match(/https?:\/\/[^`"' ]+/g)?.every((url) => url.startsWith('https://door.example.com'))).toBe(true)
})
