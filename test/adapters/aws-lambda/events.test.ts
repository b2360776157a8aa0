import { describe, expect, test } from 'vitest'
import { EventsNotAcceptedError, forwardToEventHub } from '../../../adapters/aws-lambda/index.js'
import {
  busy,
  contextWith,
  fakeClient,
  recordingLogger,
  returned,
  tooLarge,
  unknown,
  type Verdict,
} from './fake-client.js'
import { fixture } from './fixtures.js'

function forwarder(verdict: Verdict = 'accepted', options = {}) {
  const fake = fakeClient(() => verdict)
  return { fake, handler: forwardToEventHub({ client: fake.client, logger: recordingLogger(), ...options }) }
}

const throwing = [
  'destination-success',
  'destination-failure',
  'destination-in-eventbridge',
  'eventbridge-scheduled',
  'eventbridge-custom',
] as const

describe.each(throwing)('%s', (name) => {
  test('resolves once Event Hubs has accepted its event', async () => {
    const { handler, fake } = forwarder()
    expect(await handler(fixture(name), contextWith())).toEqual({ accepted: 1 })
    expect(fake.invocations[0]!.ended).toBe(true)
  })

  test.each([
    ['unknown', unknown],
    ['returned', returned],
    ['refused', busy],
    ['refused for ever', tooLarge],
  ])('throws EventsNotAcceptedError when its event is %s', async (_, verdict) => {
    const { handler } = forwarder(verdict)
    await expect(handler(fixture(name), contextWith())).rejects.toBeInstanceOf(EventsNotAcceptedError)
  })

  test('is not sent in order: nothing else of its source waits behind it', async () => {
    const { handler, fake } = forwarder()
    await handler(fixture(name), contextWith())
    expect(fake.invocations[0]!.options.afterFailure).toBe('continue')
  })
})

describe('a Lambda destination record', () => {
  const priceOrder = 'arn:aws:lambda:eu-west-1:123456789012:function:price-order'

  test.each([
    ['destination-success', 'success', 'Success', ':live'],
    ['destination-failure', 'failure', 'RetriesExhausted', ':$LATEST'],
  ] as const)(
    '%s is a CloudEvent keyed by the function without its qualifier',
    async (name, kind, condition, qualifier) => {
      const { handler, fake } = forwarder()
      const record = fixture(name)
      await handler(record, contextWith())
      const id = `${record.requestContext.requestId}:${condition}`
      const [{ event, partitionKey }] = fake.sent as [(typeof fake.sent)[number]]
      expect(partitionKey).toBe(priceOrder)
      expect({ ...event, body: JSON.parse(event.body as string) }).toEqual({
        body: record,
        contentType: 'application/json',
        messageId: id,
        properties: {
          'cloudEvents:specversion': '1.0',
          'cloudEvents:id': id,
          'cloudEvents:source': priceOrder,
          'cloudEvents:type': `com.amazonaws.lambda.invocation.${kind}`,
          'cloudEvents:time': record.timestamp,
          'cloudEvents:subject': priceOrder + qualifier,
        },
      })
    },
  )

  test('is found inside an SQS message, whose own id stays the one that is answered with', async () => {
    const fake = fakeClient((index) => (index === 0 ? 'accepted' : unknown))
    const handler = forwardToEventHub({ client: fake.client, logger: recordingLogger() })
    const event = fixture('destination-in-sqs')
    expect(await handler(event, contextWith())).toEqual({
      batchItemFailures: [{ itemIdentifier: event.Records[1]!.messageId }],
    })
    expect(fake.sent.map(({ event: { properties } }) => properties?.['cloudEvents:type'])).toEqual([
      'com.amazonaws.lambda.invocation.success',
      'com.amazonaws.lambda.invocation.failure',
    ])
    const inner = JSON.parse(event.Records[0]!.body)
    expect(fake.sent[0]).toMatchObject({
      partitionKey: priceOrder,
      event: { messageId: `${inner.requestContext.requestId}:Success` },
    })
  })

  test('inside a FIFO queue keeps the place that its message group gives it', async () => {
    const fake = fakeClient()
    const handler = forwardToEventHub({ client: fake.client, logger: recordingLogger() })
    const event = fixture('destination-in-sqs')
    for (const record of event.Records) {
      record.eventSourceARN += '.fifo'
      record.attributes.MessageGroupId = 'shop-7'
    }
    await handler(event, contextWith())
    expect(fake.sent.map(({ partitionKey }) => partitionKey)).toEqual(['shop-7', 'shop-7'])
  })

  test('is found inside an EventBridge event, and inside one that went through SQS', async () => {
    const { handler, fake } = forwarder()
    const event = fixture('destination-in-eventbridge')
    await handler(event, contextWith())
    expect(JSON.parse(fake.sent[0]!.event.body as string)).toEqual(event.detail)
    expect(fake.sent[0]!.partitionKey).toBe(priceOrder)

    const second = forwarder()
    await second.handler(fixture('destination-in-eventbridge-in-sqs'), contextWith())
    expect(second.fake.sent[0]!.event.properties).toMatchObject({
      'cloudEvents:type': 'com.amazonaws.lambda.invocation.failure',
      'cloudEvents:source': priceOrder,
    })
  })

  test('in raw format leaves as it was delivered, wrapper and all', async () => {
    const bare = forwarder('accepted', { format: 'raw' })
    await bare.handler(fixture('destination-success'), contextWith())
    expect(JSON.parse(bare.fake.sent[0]!.event.body as string)).toEqual(fixture('destination-success'))

    const wrapped = forwarder('accepted', { format: 'raw' })
    await wrapped.handler(fixture('destination-in-eventbridge'), contextWith())
    expect(JSON.parse(wrapped.fake.sent[0]!.event.body as string)).toEqual(fixture('destination-in-eventbridge'))

    const queued = forwarder('accepted', { format: 'raw' })
    await queued.handler(fixture('destination-in-sqs'), contextWith())
    expect(queued.fake.sent[0]!.event.body).toBe(fixture('destination-in-sqs').Records[0]!.body)
  })
})

describe('an EventBridge event', () => {
  test('is a CloudEvent keyed by its source, with account and region as extensions', async () => {
    const { handler, fake } = forwarder()
    const record = fixture('eventbridge-scheduled')
    await handler(record, contextWith())
    expect(fake.sent[0]).toEqual({
      partitionKey: 'aws.events',
      event: {
        body: '{}',
        contentType: 'application/json',
        messageId: record.id,
        properties: {
          'cloudEvents:specversion': '1.0',
          'cloudEvents:id': record.id,
          'cloudEvents:source': 'aws.events',
          'cloudEvents:type': 'Scheduled Event',
          'cloudEvents:time': '2025-11-20T01:00:00Z',
          'cloudEvents:subject': 'arn:aws:events:eu-west-1:123456789012:rule/nightly-totals',
          'cloudEvents:awsaccount': '123456789012',
          'cloudEvents:awsregion': 'eu-west-1',
        },
      },
    })
  })

  test('without resources has no subject, and takes the other prefix when asked to', async () => {
    const { handler, fake } = forwarder('accepted', { cloudEventsPropertyPrefix: 'cloudEvents_' })
    await handler(fixture('eventbridge-custom'), contextWith())
    const properties = fake.sent[0]!.event.properties!
    expect(properties).toMatchObject({ cloudEvents_type: 'Order Placed', cloudEvents_source: 'shop.orders' })
    expect(Object.keys(properties).filter((name) => /subject|:/.test(name))).toEqual([])
  })

  test('whose source is no URI reference is escaped, so that the CloudEvent is valid', async () => {
    const { handler, fake } = forwarder()
    await handler({ ...fixture('eventbridge-custom'), source: 'till no. 7 ü' }, contextWith())
    expect(fake.sent[0]!.event.properties!['cloudEvents:source']).toBe('till%20no.%207%20%C3%BC')
    expect(fake.sent[0]!.partitionKey).toBe('till no. 7 ü')
  })

  test('in raw format is the whole event', async () => {
    const { handler, fake } = forwarder('accepted', { format: 'raw' })
    const record = fixture('eventbridge-custom')
    await handler(record, contextWith())
    const { body, ...rest } = fake.sent[0]!.event
    expect(JSON.parse(body as string)).toEqual(record)
    expect(rest).toEqual({ contentType: 'application/json', messageId: record.id })
  })
})
