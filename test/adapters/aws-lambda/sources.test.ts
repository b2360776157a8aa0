import { describe, expect, test } from 'vitest'
import { EventsNotAcceptedError, type ForwardOptions, forwardToEventHub } from '../../../adapters/aws-lambda/index.js'
import { contextWith, fakeClient, heldBack, recordingLogger, tooLarge, unknown, type Verdict } from './fake-client.js'
import { fixture } from './fixtures.js'

function forwarder(script?: (index: number) => Verdict, options: ForwardOptions = {}) {
  const fake = fakeClient(script)
  const logger = recordingLogger()
  return { fake, logger, handler: forwardToEventHub({ client: fake.client, logger, ...options }) }
}

const bytes = (body: unknown) => Buffer.from(body as Uint8Array)

describe('an SNS message', () => {
  test('is a CloudEvent without a key, with its attributes as properties', async () => {
    const { handler, fake } = forwarder()
    const event = fixture('sns')
    const { Sns } = event.Records[0]!
    expect(await handler(event, contextWith())).toEqual({ accepted: 1 })
    expect(fake.sent).toEqual([
      {
        partitionKey: undefined,
        event: {
          body: Sns.Message,
          contentType: 'application/json',
          messageId: Sns.MessageId,
          properties: {
            tenant: 'acme',
            priority: '9007199254740993',
            signature: new Uint8Array([0, 255, 16, 32]),
            'cloudEvents:specversion': '1.0',
            'cloudEvents:id': Sns.MessageId,
            'cloudEvents:source': Sns.TopicArn,
            'cloudEvents:type': 'com.amazonaws.sns.Notification',
            'cloudEvents:time': Sns.Timestamp,
            'cloudEvents:subject': 'Order placed',
          },
        },
      },
    ])
  })

  test('with a destination’s record inside is that record, also where SNS has put it into a queue', async () => {
    const seen: unknown[] = []
    const { handler, fake } = forwarder(undefined, { partitionKey: (record) => void seen.push(record) })
    const direct = fixture('destination-in-sns')
    const queued = fixture('destination-in-sns-in-sqs')
    await handler(direct, contextWith())
    expect(JSON.parse(fake.sent[0]!.event.body as string)).toEqual(JSON.parse(direct.Records[0]!.Sns.Message))
    expect(seen).toMatchObject([{ source: 'lambda-destination', wrapper: direct.Records[0] }])

    const second = forwarder()
    await second.handler(queued, contextWith())
    expect(second.fake.sent[0]!.event).toMatchObject({
      messageId: '5c2f7f0e-1f2b-4b52-8f5b-0d1a52d1a7aa:Success',
      properties: { 'cloudEvents:type': 'com.amazonaws.lambda.invocation.success' },
    })
  })

  test('that was not accepted makes Lambda try again', async () => {
    const { handler } = forwarder(() => unknown)
    await expect(handler(fixture('sns'), contextWith())).rejects.toBeInstanceOf(EventsNotAcceptedError)
  })
})

describe('a Kinesis record', () => {
  test('keeps its bytes, its key and its place in the stream', async () => {
    const { handler, fake } = forwarder()
    const event = fixture('kinesis')
    const [first, second, , fourth] = event.Records
    expect(await handler(event, contextWith())).toEqual({ batchItemFailures: [] })
    expect(fake.invocations[0]!.options.afterFailure).toBe('stop')
    expect(fake.sent.map(({ partitionKey }) => partitionKey)).toEqual(event.Records.map((r) => r.kinesis.partitionKey))
    expect(fake.sent[0]!.event).toMatchObject({
      contentType: 'application/json',
      messageId: first!.eventID,
      properties: {
        'cloudEvents:id': first!.eventID,
        'cloudEvents:source': first!.eventSourceARN,
        'cloudEvents:type': 'com.amazonaws.kinesis.record',
        'cloudEvents:time': '2025-11-20T00:53:20.128Z',
        'cloudEvents:partitionkey': 'device-1',
        'cloudEvents:sequence': first!.kinesis.sequenceNumber,
      },
    })
    for (const [index, record] of event.Records.entries()) {
      expect(bytes(fake.sent[index]!.event.body).toString('base64')).toBe(record.kinesis.data)
    }
    expect([second, fourth].map((record) => fake.sent[event.Records.indexOf(record!)]!.event.contentType)).toEqual([
      'application/octet-stream',
      'application/octet-stream',
    ])
  })

  test.each([
    [[0], 0],
    [[2], 2],
    [[4, 1], 1],
  ])('when those at %j fail, the stream goes on at %i', async (failing, first) => {
    const { handler } = forwarder((index) => (failing.includes(index) ? unknown : 'accepted'))
    const event = fixture('kinesis')
    expect(await handler(event, contextWith())).toEqual({
      batchItemFailures: [{ itemIdentifier: event.Records[first]!.kinesis.sequenceNumber }],
    })
  })

  test('that can never be sent does not hold up its stream: it is logged by its place, and passed over', async () => {
    const { handler, logger } = forwarder((index) => (index === 1 ? tooLarge : 'accepted'))
    const event = fixture('kinesis')
    // device-2: its second record waits for the next delivery, behind it nothing of that key was sent.
    expect(await handler(event, contextWith())).toEqual({
      batchItemFailures: [{ itemIdentifier: event.Records[4]!.kinesis.sequenceNumber }],
    })
    expect(logger.lines[0]).toContain(event.Records[1]!.eventID)
    expect(logger.lines[0]).toContain('passed over')
  })

  test('that can never be sent, and that the sink could not take either, is asked for again', async () => {
    const { handler } = forwarder((index) => (index === 1 ? tooLarge : 'accepted'), {
      onPermanentFailure: () => Promise.reject(new Error('no queue')),
    })
    const event = fixture('kinesis')
    expect(await handler(event, contextWith())).toEqual({
      batchItemFailures: [{ itemIdentifier: event.Records[1]!.kinesis.sequenceNumber }],
    })
  })

  test('whose key is longer than Event Hubs allows gets a digest of it, the same every time', async () => {
    const key = 'k'.repeat(200)
    const keys: (string | undefined)[] = []
    for (let delivery = 0; delivery < 2; delivery++) {
      const { handler, fake } = forwarder()
      const event = fixture('kinesis')
      event.Records[0]!.kinesis.partitionKey = key
      event.Records[1]!.kinesis.partitionKey = 'k'.repeat(128)
      await handler(event, contextWith())
      expect(fake.sent[1]!.partitionKey).toBe('k'.repeat(128))
      keys.push(fake.sent[0]!.partitionKey)
    }
    expect(keys[0]).toMatch(/^sha256:[\w-]{43}$/)
    expect(keys[1]).toBe(keys[0])
  })
})

describe('a DynamoDB change', () => {
  test('is a CloudEvent of the whole record, keyed by the item', async () => {
    const { handler, fake } = forwarder()
    const event = fixture('dynamodb')
    const [first] = event.Records
    expect(await handler(event, contextWith())).toEqual({ batchItemFailures: [] })
    expect(fake.invocations[0]!.options.afterFailure).toBe('stop')
    expect(JSON.parse(fake.sent[0]!.event.body as string)).toEqual(first)
    expect(fake.sent[0]!.event).toMatchObject({
      contentType: 'application/json',
      messageId: first!.eventID,
      properties: {
        'cloudEvents:source': first!.eventSourceARN,
        'cloudEvents:type': 'com.amazonaws.dynamodb.insert',
        'cloudEvents:time': '2025-11-20T00:53:20.000Z',
        'cloudEvents:sequence': first!.dynamodb!.SequenceNumber,
      },
    })
    // Ada, Bob, Ada with her attributes in another order, Ada.
    const keys = fake.sent.map(({ partitionKey }) => partitionKey)
    expect(keys[0]).toBe('[["customer",{"S":"ada"}],["order",{"N":"1"}]]')
    expect([keys[2], keys[3]]).toEqual([keys[0], keys[0]])
    expect(keys[1]).not.toBe(keys[0])
  })

  test('behind a failed one of its item is held back, and the stream goes on at the failed one', async () => {
    const { handler } = forwarder((index) => (index === 2 ? unknown : index === 3 ? heldBack : 'accepted'))
    const event = fixture('dynamodb')
    expect(await handler(event, contextWith())).toEqual({
      batchItemFailures: [{ itemIdentifier: event.Records[2]!.dynamodb!.SequenceNumber }],
    })
  })
})

describe('an S3 notification', () => {
  test('is a CloudEvent as the specification’s adapter has it, keyed by bucket and object', async () => {
    const { handler, fake } = forwarder()
    const event = fixture('s3')
    expect(await handler(event, contextWith())).toEqual({ accepted: 3 })
    expect(JSON.parse(fake.sent[0]!.event.body as string)).toEqual(event.Records[0])
    expect(fake.sent[0]).toMatchObject({
      partitionKey: 'uploads/incoming/Invoice+%C3%BC.pdf',
      event: {
        properties: {
          'cloudEvents:source': 'aws:s3.eu-west-1.uploads',
          'cloudEvents:type': 'com.amazonaws.s3.ObjectCreated:Put',
          'cloudEvents:subject': 'incoming/Invoice+%C3%BC.pdf',
          'cloudEvents:time': '2025-11-20T00:53:20.000Z',
        },
      },
    })
  })

  test('has an id of its own, though one request may delete many objects, and the same one every time', async () => {
    const ids: unknown[][] = []
    for (let delivery = 0; delivery < 2; delivery++) {
      const { handler, fake } = forwarder()
      await handler(fixture('s3'), contextWith())
      ids.push(fake.sent.map(({ event }) => event.messageId))
    }
    expect(new Set(ids[0]).size).toBe(3)
    expect(ids[1]).toEqual(ids[0])
  })
})

describe.each(['sns', 'kinesis', 'dynamodb', 's3', 'step-functions', 'http-function-url-batch'] as const)(
  '%s',
  (name) => {
    test('in raw format is what the source delivered, under the same id', async () => {
      const cloudEvents = forwarder(undefined, { auth: 'aws' })
      const raw = forwarder(undefined, { auth: 'aws', format: 'raw' })
      await cloudEvents.handler(fixture(name), contextWith())
      await raw.handler(fixture(name), contextWith())
      const idsOf = ({ fake }: typeof raw) => fake.sent.map(({ event }) => event.messageId)
      expect(idsOf(raw)).toEqual(idsOf(cloudEvents))
      for (const { event } of raw.fake.sent) {
        expect(Object.keys(event.properties ?? {}).filter((key) => key.startsWith('cloudEvents'))).toEqual([])
      }
    })

    test('is left alone when the sources option does not name it', async () => {
      const { handler, fake } = forwarder(undefined, { auth: 'aws', sources: ['sqs'] })
      await expect(handler(fixture(name), contextWith())).rejects.toThrow(/does not allow/)
      expect(fake.invocations).toEqual([])
    })
  },
)
