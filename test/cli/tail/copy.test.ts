import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { EventHubProducerClient as OfficialProducer } from '@azure/event-hubs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { EventHubProducerClient } from '../../../core/index.js'
import { type LocalHub, startLocalHub } from '../../../infra/local-hub/index.js'
import { run } from '../in-process.js'

let hub: LocalHub
let folder: string
beforeAll(async () => {
  hub = await startLocalHub({ eventHubs: { original: {}, copy: {}, one: {} } })
  folder = await mkdtemp(join(tmpdir(), 'sluice-copy-'))
})
afterAll(async () => {
  await hub.close()
  await rm(folder, { recursive: true, force: true })
})

const env = (name: string) => ({ EVENTHUB_CONNECTION_STRING: hub.connectionStringFor(name) })

/** What is stored, but for where and when. */
const contents = (name: string) =>
  hub
    .events(name)
    .map(
      ({ partitionId, partitionKey, bodyType, body, value, properties, applicationProperties, messageAnnotations }) =>
        inspect(
          {
            partitionId: partitionKey === undefined ? '' : partitionId,
            partitionKey,
            bodyType,
            body,
            value,
            properties,
            applicationProperties,
            messageAnnotations,
          },
          { depth: null },
        ),
    )
    .sort()

test('an event hub is copied: what tail writes, send --format events sends again as it was', async () => {
  const official = new OfficialProducer(hub.connectionStringFor('original'))
  for (const partitionKey of ['a', 'Привет']) {
    await official.sendBatch([{ body: { n: 1 }, messageId: 'id', properties: { n: 1, f: 1.5 } }, { body: 'text' }], {
      partitionKey,
    })
  }
  void official.close().catch(() => {})
  await using ours = EventHubProducerClient.fromConnectionString(hub.connectionStringFor('original'))
  await ours.sendBatch([
    { body: new Uint8Array([0, 255]), properties: { when: new Date(0), bytes: new Uint8Array([1]), big: 2n ** 60n } },
    { body: '{ "spaced": true }', contentType: 'application/json' },
    { body: { a: [1n, Number.NaN] }, bodyType: 'value', messageAnnotations: { 'x-mine': 'yes' } },
  ])
  const written = await run(['tail', '--from', 'earliest', '--no-follow', '--json'], { env: env('original') })
  expect(written.code).toBe(0)
  const file = join(folder, 'events.ndjson')
  await writeFile(file, written.out)
  const sent = await run(['send', file, '--format', 'events', '--json'], { env: env('copy') })
  expect(sent.code).toBe(0)
  expect(hub.events('copy')).toHaveLength(7)
  expect(contents('copy')).toEqual(contents('original'))

  const toOne = ['send', file, '--format', 'events', '--no-ledger', '--partition', '3', '--json']
  expect((await run(toOne, { env: env('one') })).code).toBe(0)
  expect(hub.events('one', '3')).toHaveLength(7)
})

test('a line that is no event is refused, and stands in the dead-letter file with the reason', async () => {
  const file = join(folder, 'broken.ndjson')
  await writeFile(file, '{"body":1}\n{"no":"body"}\nnot json\n')
  const { code, out } = await run(['send', file, '--format', 'events', '--json'], { env: env('copy') })
  expect(code).toBe(3)
  expect(JSON.parse(out)).toMatchObject({ accepted: 1, refused: 2 })
})

test.each([
  ['--key', 'x'],
  ['--message-id', 'x'],
  ['--property', 'a=b'],
  ['--content-type', 'text/plain'],
])('%s has no place beside events that say it themselves', async (...option) => {
  const { code, error } = await run(['send', '-', '--format', 'events', ...option], { env: env('copy') })
  expect(code).toBe(2)
  expect(error).toContain('Each event of --format events says itself')
})
