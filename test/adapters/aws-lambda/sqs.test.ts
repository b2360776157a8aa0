import type { SQSBatchResponse, SQSEvent } from 'aws-lambda'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { forwardToEventHub } from '../../../adapters/aws-lambda/index.js'
import {
  busy,
  contextWith,
  fakeClient,
  noRights,
  recordingLogger,
  returned,
  tooLarge,
  unknown,
  type Verdict,
} from './fake-client.js'
import { fixture } from './fixtures.js'

function forwarder(script?: (index: number) => Verdict, options = {}) {
  const fake = fakeClient(script)
  const logger = recordingLogger()
  return { fake, logger, handler: forwardToEventHub({ client: fake.client, logger, ...options }) }
}

const idsOf = (event: SQSEvent, ...indexes: number[]) =>
  indexes.map((index) => ({ itemIdentifier: event.Records[index]!.messageId }))

describe('the answer to SQS', () => {
  test('names no message when Event Hubs has accepted all', async () => {
    const { handler, fake, logger } = forwarder()
    expect(await handler(fixture('sqs'), contextWith())).toEqual({ batchItemFailures: [] })
    expect(fake.invocations[0]!.ended).toBe(true)
    expect(logger.lines).toEqual([])
  })

  test.each([
    ['unknown', unknown],
    ['returned', returned],
    ['refused for now', busy],
    ['refused for want of rights', noRights],
    ['refused for ever', tooLarge],
  ])('names exactly the message whose outcome is %s', async (_, verdict) => {
    const { handler } = forwarder((index) => (index === 1 ? verdict : 'accepted'))
    const event = fixture('sqs')
    expect(await handler(event, contextWith())).toEqual({ batchItemFailures: idsOf(event, 1) })
  })

  test('names all when the hub is down, and says so in one line without bodies', async () => {
    const { handler, logger } = forwarder(() => returned)
    const event = fixture('sqs')
    expect(await handler(event, contextWith())).toEqual({ batchItemFailures: idsOf(event, 0, 1, 2) })
    expect(logger.lines).toHaveLength(1)
    expect(logger.lines[0]).toContain('3 of 3 records')
    expect(logger.lines[0]).toContain('returned, timeout')
    expect(logger.lines[0]).not.toContain('A-1001')
  })

  test('is an error, and no answer, when the report does not account for every message', async () => {
    const { fake } = forwarder()
    const begin = fake.client.beginInvocation.bind(fake.client)
    fake.client.beginInvocation = (options) => {
      const invocation = begin(options)
      const end = invocation.end.bind(invocation)
      invocation.end = async () => ({ ...(await end()), accepted: 2 })
      return invocation
    }
    const handler = forwardToEventHub({ client: fake.client })
    await expect(handler(fixture('sqs'), contextWith())).rejects.toThrow(/2 accepted and 0 failed of 3/)
  })
})

describe('a FIFO queue', () => {
  test('gets the first failure and all that follow it in its group, and no other group', async () => {
    const { handler, fake } = forwarder((index) => (index === 2 ? unknown : 'accepted'))
    const event = fixture('sqs-fifo')
    // red, blue, red, blue, red
    expect(await handler(event, contextWith())).toEqual({ batchItemFailures: idsOf(event, 2, 4) })
    expect(fake.invocations[0]!.options.afterFailure).toBe('stop')
  })

  test('gets them also where they were accepted, under keys of their own: they must come after the one that failed', async () => {
    const { handler } = forwarder((index) => (index === 2 ? unknown : 'accepted'), {
      partitionKey: ({ id }: { id: string }) => id,
    })
    const event = fixture('sqs-fifo')
    expect(await handler(event, contextWith())).toEqual({ batchItemFailures: idsOf(event, 2, 4) })
  })

  test('sends each group under its own key, in the order of the queue', async () => {
    const { handler, fake } = forwarder()
    const event = fixture('sqs-fifo')
    await handler(event, contextWith())
    expect(fake.sent.map(({ partitionKey }) => partitionKey)).toEqual(['red', 'blue', 'red', 'blue', 'red'])
    expect(fake.sent.map(({ event: { body } }) => body)).toEqual(event.Records.map(({ body }) => body))
  })

  test('is told by its name: a standard queue with message groups has no order to keep', async () => {
    const { handler, fake } = forwarder((index) => (index === 0 ? unknown : 'accepted'))
    const event = fixture('sqs')
    for (const record of event.Records) record.attributes.MessageGroupId = 'tenant-1'
    expect(await handler(event, contextWith())).toEqual({ batchItemFailures: idsOf(event, 0) })
    expect(fake.invocations[0]!.options.afterFailure).toBe('continue')
    expect(fake.sent.map(({ partitionKey }) => partitionKey)).toEqual([undefined, undefined, undefined])
  })

  test('stops a group, unsent, behind a message whose partition key could not be chosen', async () => {
    const { handler, fake } = forwarder(undefined, {
      partitionKey: ({ record }: { record: { body: string } }) => {
        if (record.body.includes('"blue","step":1')) throw new Error('no key for this one')
        return 'key'
      },
    })
    const event = fixture('sqs-fifo')
    expect(await handler(event, contextWith())).toEqual({ batchItemFailures: idsOf(event, 1, 3) })
    expect(fake.sent).toHaveLength(3)
  })
})

test('no unsettled message is ever acknowledged, and no settled one is asked for again without need', async () => {
  const verdicts = fc.constantFrom<Verdict>('accepted', unknown, returned, busy, noRights, tooLarge)
  const message = fc.record({ verdict: verdicts, group: fc.constantFrom('a', 'b', 'c') })
  await fc.assert(
    fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 30 }), fc.boolean(), async (messages, fifo) => {
      const template = fixture(fifo ? 'sqs-fifo' : 'sqs').Records[0]!
      const Records = messages.map(({ group }, index) => ({
        ...template,
        messageId: `message-${index}`,
        attributes: { ...template.attributes, MessageGroupId: group },
      }))
      const { handler } = forwarder((index) => messages[index]!.verdict)
      const answer = (await handler({ Records }, contextWith())) as SQSBatchResponse
      const redelivered = new Set(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier))
      for (const [index, { verdict, group }] of messages.entries()) {
        const behindAFailure = messages.slice(0, index).some((m) => m.group === group && m.verdict !== 'accepted')
        expect(redelivered.has(`message-${index}`)).toBe(verdict !== 'accepted' || (fifo && behindAFailure))
      }
    }),
  )
})

describe('a message as an event', () => {
  test('is a CloudEvent in AMQP binary mode', async () => {
    const { handler, fake } = forwarder()
    const { Records } = fixture('sqs')
    await handler({ Records }, contextWith())
    expect(fake.sent[0]).toEqual({
      partitionKey: undefined,
      event: {
        body: Records[0]!.body,
        contentType: 'application/json',
        messageId: Records[0]!.messageId,
        properties: {
          'cloudEvents:specversion': '1.0',
          'cloudEvents:id': Records[0]!.messageId,
          'cloudEvents:source': 'arn:aws:sqs:eu-west-1:123456789012:orders',
          'cloudEvents:type': 'com.amazonaws.sqs.message',
          'cloudEvents:time': '2025-11-20T00:53:20.000Z',
        },
      },
    })
  })

  test('keeps its message attributes: text and numbers as SQS spells them, binary as bytes', async () => {
    const { handler, fake } = forwarder()
    await handler(fixture('sqs'), contextWith())
    const { event } = fake.sent[1]!
    expect(event.contentType).toBe('text/plain; charset=utf-8')
    expect(event.properties).toMatchObject({
      tenant: 'acme',
      priority: '9007199254740993',
      signature: new Uint8Array([0, 255, 16, 32]),
    })
  })

  test('cannot pass a message attribute off as a CloudEvents attribute', async () => {
    const { handler, fake } = forwarder(undefined, { cloudEventsPropertyPrefix: 'cloudEvents_' })
    const event = fixture('sqs')
    event.Records[0]!.messageAttributes = { cloudEvents_id: { stringValue: 'forged', dataType: 'String' } }
    await handler(event, contextWith())
    expect(fake.sent[0]!.event.properties!.cloudEvents_id).toBe(event.Records[0]!.messageId)
  })

  test('in raw format is the body, its id and its attributes', async () => {
    const { handler, fake } = forwarder(undefined, { format: 'raw' })
    const { Records } = fixture('sqs')
    await handler({ Records }, contextWith())
    expect(fake.sent[0]!.event).toEqual({
      body: Records[0]!.body,
      contentType: 'application/json',
      messageId: Records[0]!.messageId,
    })
    expect(Object.keys(fake.sent[1]!.event.properties!)).toEqual(['tenant', 'priority', 'signature'])
  })

  test.each(['{"open": ', '"just a string"', '42', '', 'null'])('whose body is %j counts as text', async (body) => {
    const { handler, fake } = forwarder()
    const [record] = fixture('sqs').Records
    await handler({ Records: [{ ...record, body }] }, contextWith())
    expect(fake.sent[0]!.event).toMatchObject({ body, contentType: 'text/plain; charset=utf-8' })
  })
})
