import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  EventsNotAcceptedError,
  type ForwardOptions,
  forwardToEventHub,
  type PermanentFailure,
  withEventHub,
} from '../../../adapters/aws-lambda/index.js'
import { EventHubProducerClient } from '../../../core/client.js'
import { type LocalHub, type LocalHubOptions, startLocalHub } from '../../../infra/local-hub/index.js'
import { contextWith, recordingLogger } from './fake-client.js'
import { fixture } from './fixtures.js'

/** The real client over real AMQP. */
let hub: LocalHub
let client: EventHubProducerClient

async function start(options: LocalHubOptions = {}) {
  hub = await startLocalHub({ eventHubs: { events: { partitionCount: 4 } }, ...options })
  client = EventHubProducerClient.fromConnectionString(hub.connectionString, { logger: {} })
}

function forwarder(options: ForwardOptions = {}) {
  return forwardToEventHub({ client, logger: recordingLogger(), ...options })
}

const landed = () => hub.events('events')
const idsLanded = () => landed().map(({ properties }) => properties['message-id'])

beforeEach(() => start())
afterEach(async () => {
  await client.close({ flush: false })
  await hub.close()
})

describe('every recorded event', () => {
  test.each([
    ['sqs', 3],
    ['sqs-fifo', 5],
    ['destination-success', 1],
    ['destination-failure', 1],
    ['destination-in-sqs', 2],
    ['destination-in-eventbridge', 1],
    ['destination-in-eventbridge-in-sqs', 1],
    ['eventbridge-scheduled', 1],
    ['eventbridge-custom', 1],
    ['destination-in-sns', 1],
    ['destination-in-sns-in-sqs', 1],
    ['sns', 1],
    ['kinesis', 5],
    ['dynamodb', 4],
    ['s3', 3],
    ['step-functions', 3],
    ['function-url', 1],
    ['http-function-url-batch', 3],
    ['http-rest-api', 1],
  ] as const)('%s is in the hub when the answer goes out', async (name, count) => {
    const answer = await forwarder({ auth: 'aws' })(fixture(name), contextWith())
    if (/http|url/.test(name)) expect(answer).toMatchObject({ statusCode: 200 })
    else expect(answer).toEqual(/sqs|kinesis|dynamodb/.test(name) ? { batchItemFailures: [] } : { accepted: count })
    expect(landed()).toHaveLength(count)
    for (const { properties, applicationProperties } of landed()) {
      expect(properties['message-id']).toBe(applicationProperties['cloudEvents:id'])
      expect(applicationProperties['cloudEvents:specversion']).toBe('1.0')
    }
  })

  test('of a FIFO queue is in its group’s partition, in the order of its group', async () => {
    const { Records } = fixture('sqs-fifo')
    await forwarder()({ Records }, contextWith())
    for (const group of ['red', 'blue']) {
      const ofGroup = landed().filter(({ partitionKey }) => partitionKey === group)
      expect(new Set(ofGroup.map(({ partitionId }) => partitionId)).size).toBe(1)
      const expected = Records.filter(({ attributes }) => attributes.MessageGroupId === group)
      expect(ofGroup.map(({ body }) => body.toString())).toEqual(expected.map(({ body }) => body))
    }
  })

  test.each(['kinesis', 'dynamodb'] as const)('of a %s shard is in its key’s partition, in order', async (name) => {
    await forwarder()(fixture(name), contextWith())
    const keys = new Set(landed().map(({ partitionKey }) => partitionKey))
    for (const key of keys) {
      const ofKey = landed().filter(({ partitionKey }) => partitionKey === key)
      expect(new Set(ofKey.map(({ partitionId }) => partitionId)).size).toBe(1)
      const sequence = ofKey.map(({ applicationProperties }) => String(applicationProperties['cloudEvents:sequence']))
      expect(sequence).toEqual(sequence.toSorted())
    }
    expect(keys.size).toBe(name === 'kinesis' ? 3 : 2)
  })

  test('keeps its bytes and its binary attributes', async () => {
    const { Records } = fixture('sqs')
    await forwarder()({ Records }, contextWith())
    const event = landed().find(({ properties }) => properties['message-id'] === Records[1]!.messageId)!
    expect(event.body.toString('utf8')).toBe(Records[1]!.body)
    expect(event.applicationProperties).toMatchObject({ tenant: 'acme', signature: Buffer.from([0, 255, 16, 32]) })
  })
})

describe('a hub that is down', () => {
  test('is told to SQS within the function’s time, message by message', async () => {
    await hub.close()
    const event = fixture('sqs')
    const startedAt = performance.now()
    const answer = await forwarder({ reserveInMs: 400 })(event, contextWith(1000))
    expect(performance.now() - startedAt).toBeLessThan(1000)
    expect(answer).toEqual({ batchItemFailures: event.Records.map(({ messageId }) => ({ itemIdentifier: messageId })) })
  })

  test('makes EventBridge try again', async () => {
    await hub.close()
    await expect(forwarder()(fixture('eventbridge-custom'), contextWith(500))).rejects.toMatchObject({
      name: 'EventsNotAcceptedError',
      retryable: true,
      failures: [{ outcome: 'returned' }],
    })
  })
})

test('a hub that falls silent costs no acknowledgement: the answer comes in time and names every message', async () => {
  const handler = forwarder({ reserveInMs: 400 })
  await handler(fixture('eventbridge-custom'), contextWith())
  hub.faults.silence = true
  const event = fixture('sqs')
  const startedAt = performance.now()
  const answer = await handler(event, contextWith(1000))
  expect(performance.now() - startedAt).toBeLessThan(1000)
  expect(answer).toEqual({ batchItemFailures: event.Records.map(({ messageId }) => ({ itemIdentifier: messageId })) })
})

test('a message whose acknowledgement was lost comes again under the same id, so that its second copy can be told', async () => {
  const handler = forwarder()
  const { Records } = fixture('sqs')
  const one = { Records: Records.slice(0, 1) }
  const id = Records[0]!.messageId
  await client.warmUp()
  hub.faults.dropAcknowledgements(1)
  expect(await handler(one, contextWith(900))).toEqual({ batchItemFailures: [{ itemIdentifier: id }] })
  expect(await handler(one, contextWith())).toEqual({ batchItemFailures: [] })
  expect(idsLanded()).toEqual([id, id])
})

test('a message that is too large goes to the sink; those beside it land', async () => {
  await client.close()
  await hub.close()
  await start({ maxMessageSizeInBytes: 2048 })
  const event = fixture('sqs')
  event.Records[1]!.body = 'x'.repeat(4096)
  const taken: PermanentFailure[] = []
  const onPermanentFailure = (failures: readonly PermanentFailure[]) => void taken.push(...failures)
  const settled = forwarder({ onPermanentFailure })
  expect(await settled(event, contextWith())).toEqual({ batchItemFailures: [] })
  expect(taken.map(({ record, error }) => [record.id, error.code])).toEqual([
    [event.Records[1]!.messageId, 'event-too-large'],
  ])
  expect(idsLanded().sort()).toEqual([event.Records[0]!.messageId, event.Records[2]!.messageId].sort())

  expect(await forwarder()(event, contextWith())).toEqual({
    batchItemFailures: [{ itemIdentifier: event.Records[1]!.messageId }],
  })
})

test.each(['amqp:not-allowed', 'com.microsoft:argument-error'])(
  'a batch that the service refuses as %s is no fault of each of its events: no stream passes them over',
  async (condition) => {
    const taken: PermanentFailure[] = []
    const event = fixture('kinesis')
    // All of one key, so of one batch.
    for (const { kinesis } of event.Records) kinesis.partitionKey = 'device-1'
    const again = { batchItemFailures: [{ itemIdentifier: event.Records[0]!.kinesis.sequenceNumber }] }
    const sink = { onPermanentFailure: (failures: readonly PermanentFailure[]) => void taken.push(...failures) }
    for (const options of [{}, sink]) {
      hub.faults.rejectNext({ condition })
      expect(await forwarder(options)(event, contextWith())).toEqual(again)
    }
    expect(taken).toEqual([])
    expect(await forwarder()(event, contextWith())).toEqual({ batchItemFailures: [] })
    expect(landed()).toHaveLength(5)
  },
)

test('withEventHub flushes what the handler sent, and fails the function when the hub is gone', async () => {
  const handler = withEventHub({ client }, (event: { order: number }, _context, invocation) => {
    void invocation.sendEvent({ body: event, contentType: 'application/json' }, { partitionKey: 'orders' })
    return 'done'
  })
  expect(await Promise.all([handler({ order: 1 }, contextWith()), handler({ order: 2 }, contextWith())])).toEqual([
    'done',
    'done',
  ])
  expect(landed().map(({ body, partitionKey }) => [JSON.parse(body.toString()), partitionKey])).toEqual([
    [{ order: 1 }, 'orders'],
    [{ order: 2 }, 'orders'],
  ])
  await hub.close()
  await expect(handler({ order: 3 }, contextWith(500))).rejects.toBeInstanceOf(EventsNotAcceptedError)
})
