import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalHubEvent } from '../../infra/local-hub/index.js'
import { root } from './support/markdown.js'
import { bundlePrograms, isAsDocumented, runProgram, withHub } from './support/running.js'

const names = readdirSync(`${root}examples`, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)

interface Expected {
  /** As pages say it: `…` stands for anything. */
  readonly prints: string
  /** What is in the hub afterwards. */
  arrived(events: readonly LocalHubEvent[]): void
}

const jsonOf = ({ body }: LocalHubEvent): unknown => JSON.parse(body.toString())
const partitionsOf = (events: readonly LocalHubEvent[]) => new Set(events.map(({ partitionId }) => partitionId)).size

const expectations: Readonly<Record<string, Expected>> = {
  'send-one': {
    prints: 'The event hub "orders" has accepted the event.',
    arrived(events) {
      expect(events.map(jsonOf)).toEqual([{ order: 1, total: 12.5 }])
      expect(events[0]).toMatchObject({ partitionKey: 'customer-7', properties: { 'message-id': 'order-1' } })
    },
  },
  buffered: {
    prints: '…\nDone.',
    arrived(events) {
      expect(events.map(jsonOf)).toMatchObject(Array.from({ length: 500 }, (_, i) => ({ reading: i + 1 })))
      expect(partitionsOf(events)).toBe(1)
    },
  },
  invocation: {
    prints: '2 of 3 accepted in … ms\norder 1: refused (event-too-large)',
    arrived: (events) =>
      expect(events.map(jsonOf)).toEqual([
        { customer: 'ada', note: 'leave it at the door' },
        { customer: 'ada', note: 'ring twice' },
      ]),
  },
  'aws-lambda': {
    prints: '{"batchItemFailures":[]}',
    arrived: (events) => expect(events.map(jsonOf)).toEqual([{ order: 1 }, { order: 2 }]),
  },
  'azure-functions': {
    prints: '…\n202\n400',
    arrived: (events) => expect(events.map(jsonOf)).toEqual([{ customer: 'ada', total: 12.5 }]),
  },
  'cloudflare-worker': {
    prints: '200: 2 accepted\n401: 0 accepted',
    arrived(events) {
      expect(events.map(jsonOf)).toEqual([{ celsius: 21.5 }, { celsius: 21.7 }])
      expect(events.map(({ partitionKey }) => partitionKey)).toEqual(['device-7', 'device-7'])
    },
  },
  'webhook-to-hub': {
    prints: '200\n401',
    arrived(events) {
      expect(events.map(jsonOf)).toMatchObject([{ ref: 'refs/heads/main' }])
      expect(events[0]?.partitionKey).toBe('42')
    },
  },
  'forward-queue': {
    prints: '250 messages forwarded and acknowledged',
    arrived(events) {
      expect(events).toHaveLength(250)
      for (let group = 0; group < 5; group++) {
        const bodies = events
          .filter(({ partitionKey }) => partitionKey === `group-${group}`)
          .map(({ body }) => `${body}`)
        expect(bodies).toEqual(Array.from({ length: 50 }, (_, i) => `message ${i * 5 + group}`))
      }
    },
  },
  'dead-letters': {
    prints: 'set aside: e-2 (event-too-large)\nset aside: e-3 (argument-error)',
    arrived: (events) =>
      expect(events.map(({ properties }) => properties['message-id']).sort()).toEqual(['e-1', 'e-4']),
  },
  opentelemetry: {
    prints: 'send orders, within checkout\ncheckout',
    arrived: (events) =>
      expect(events.map(({ applicationProperties }) => applicationProperties)).toEqual([
        { traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/) },
      ]),
  },
  'test-with-local-hub': {
    prints: '…\n# pass 2\n# fail 0\n…',
    // Its hub is its own.
    arrived: (events) => expect(events).toEqual([]),
  },
}

describe.concurrent('an example', () => {
  let bundle: Awaited<ReturnType<typeof bundlePrograms>>
  beforeAll(async () => {
    bundle = await bundlePrograms(
      Object.fromEntries(names.map((name) => [name, { path: `${root}examples/${name}/main.ts` }])),
    )
  })
  afterAll(() => bundle[Symbol.asyncDispose]())

  test.each(names)('does what it says: %s', async (name) => {
    const expected = expectations[name]
    if (expected === undefined) throw new Error(`Say in this file what examples/${name} does.`)
    await withHub(async (hub) => {
      const { code, stdout, stderr } = await runProgram(process.execPath, [bundle.path(name)], hub)
      expect(code, `${stdout}${stderr}`).toBe(0)
      expect(isAsDocumented(expected.prints, stdout), stdout).toBe(true)
      expected.arrived(hub.events('orders'))
    })
  })
})

test('every example has a row in examples/README.md', () => {
  const readme = readFileSync(`${root}examples/README.md`, 'utf8')
  expect([...readme.matchAll(/^\| \[(?<name>[a-z-]+)\]/gm)].map(({ groups }) => groups?.name).sort()).toEqual(
    names.sort(),
  )
})

describe('npm run example', () => {
  const run = (args: readonly string[]) =>
    new Promise<{ code: number; text: string }>((resolve) => {
      const { EVENTHUB_CONNECTION_STRING: _, ...env } = process.env
      execFile(process.execPath, [`${root}scripts/example.mjs`, ...args], { env }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), text: `${stdout}${stderr}` }),
      )
    })

  test('without an event hub runs against a local one, and shows what arrived', async () => {
    const { code, text } = await run(['send-one'])
    expect(text).toMatch(
      /has accepted the event.*In the local hub now: 1 events\n {2}partition \d, 0, key customer-7: \{"order":1/s,
    )
    expect(code).toBe(0)
  })

  test.each([[['nothing']], [[]], [['send-one', 'buffered']]])('with %j names the examples', async (args) => {
    const { code, text } = await run(args)
    expect(text).toMatch(/^Usage: npm run example -- NAME.*\n {2}send-one/ms)
    expect(text.startsWith('There is no example "nothing".\n')).toBe(args.includes('nothing'))
    expect(code).toBe(2)
  })
})
