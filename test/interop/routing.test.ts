import { EventHubBufferedProducerClient, EventHubProducerClient as OfficialProducer } from '@azure/event-hubs'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { EventHubProducerClient } from '../../core/index.js'
import { partitionKeyVectors } from '../support/partition-key-vectors.js'
import { seed } from '../support/seed.js'
import { readWithProton, readWithPython } from './support/readers.js'
import { type Service, startService } from './support/service.js'
import { Stranger } from './support/stranger.js'

const partitionCount = 7
const known = partitionKeyVectors.filter(([key]) => key !== '')
// NUL and lone surrogates are no text to every client here; keys have 128 characters at most.
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
const keys = [
  ...new Set([
    ...known.map(([key]) => key),
    ...fc.sample(text, { numRuns: 60, seed }),
    ...Array.from({ length: 13 }, (_, i) => 'k'.repeat(i + 1)),
  ]),
]

let service: Service
let azure: Stranger
let proton: Stranger
beforeAll(async () => {
  const hub = { partitionCount }
  service = await startService({
    'by-the-hub-for-proton': hub,
    'by-the-hub-for-python': hub,
    'by-the-hub-for-java-script': hub,
    'by-java-script': hub,
    'by-sluice': hub,
    'by-python': hub,
  })
  azure = new Stranger('azure_client')
  proton = new Stranger('proton_client')
})
afterAll(async () => {
  await Promise.all([azure[Symbol.asyncDispose](), proton[Symbol.asyncDispose]()])
  await service[Symbol.asyncDispose]()
})

/** Each key's partition, by the bodies, which are the keys. */
function partitionOfKey(eventHubName: string): Record<string, string> {
  const events = service.hub.events(eventHubName)
  expect(events).toHaveLength(keys.length)
  return Object.fromEntries(events.map(({ body, partitionId }) => [body.toString(), partitionId]))
}

async function sendBySluice(eventHubName: string): Promise<void> {
  await using client = EventHubProducerClient.fromConnectionString(service.hub.connectionStringFor(eventHubName))
  const invocation = client.beginInvocation()
  for (const key of keys) void invocation.sendEvent({ body: key }, { partitionKey: key })
  expect(await invocation.end()).toMatchObject({ accepted: keys.length, failures: [] })
}

test('a key is one partition, whoever hashes: Sluice, the official JavaScript client, or the hub for each stranger', async () => {
  const { hub } = service
  await sendBySluice('by-sluice')

  const bodies = keys.map((partitionKey) => ({ body: Buffer.from(partitionKey), partitionKey }))
  const direct = new OfficialProducer(hub.connectionStringFor('by-the-hub-for-java-script'))
  for (const { body, partitionKey } of bodies) await direct.sendBatch([{ body }], { partitionKey })
  await direct.close()
  const buffered = new EventHubBufferedProducerClient(hub.connectionStringFor('by-java-script'), {
    maxWaitTimeInMs: 20,
    onSendEventsErrorHandler: async ({ error }) => {
      throw error
    },
  })
  for (const { body, partitionKey } of bodies) await buffered.enqueueEvent({ body }, { partitionKey })
  await buffered.close({ flush: true })

  await azure.call('send_keyed', { ...service.azure('by-the-hub-for-python'), keys })
  const annotated = keys.map((partitionKey) => ({
    body: ['binary', Buffer.from(partitionKey).toString('hex')],
    inferred: true,
    annotations: { 'x-opt-partition-key': ['string', partitionKey] },
  }))
  await proton.call('send', { ...service.proton, address: 'by-the-hub-for-proton', messages: annotated })

  const expected = partitionOfKey('by-sluice')
  for (const [key, hash] of known) expect(expected[key], key).toBe(String(Math.abs(hash % partitionCount)))
  for (const name of ['by-java-script', 'by-the-hub-for-java-script', 'by-the-hub-for-python', 'by-the-hub-for-proton'])
    expect(partitionOfKey(name), name).toEqual(expected)
})

test('the key travels with each event, to every reader', async () => {
  const events = await readWithPython(azure, service.azure('by-sluice'), keys.length)
  for (const { body, partition_key } of events)
    expect(partition_key).toBe(Buffer.from(String(body[1]), 'hex').toString())
  const stored = service.hub.events('by-sluice', '3')
  const messages = await readWithProton(proton, service, 'by-sluice', stored.length, '3')
  expect(messages.map(({ annotations }) => annotations['x-opt-partition-key'])).toEqual(
    stored.map(({ partitionKey }) => ['string', partitionKey]),
  )
})

test("Python's buffered producer hashes in its own way, which for some keys is another partition", async () => {
  expect(await azure.call('send_buffered', { ...service.azure('by-python'), keys })).toEqual({ failed: [] })
  const theirs = partitionOfKey('by-python')
  // Where code points are bytes the hash is the same; its remainder is rounded down, and that of the others to zero.
  for (const [key, hash] of known.filter(([key]) => /^[ -~]*$/.test(key))) {
    const rounded = ((hash % partitionCount) + partitionCount) % partitionCount
    expect(theirs[key], key).toBe(String(rounded))
  }
  const expected = partitionOfKey('by-sluice')
  const elsewhere = keys.filter((key) => theirs[key] !== expected[key])
  expect(elsewhere.length).toBeGreaterThan(keys.length / 5)
  expect(elsewhere.length).toBeLessThan(keys.length)
})
