import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { deadLetterQueueSink, forwardToEventHub } from '../../../../adapters/aws-lambda/index.js'
import { systemClock } from '../../../../core/clock.js'
import { contextWith, fakeClient, recordingLogger, tooLarge } from '../fake-client.js'
import { fixture } from '../fixtures.js'
import { type AwsAnswer, startFakeAws } from './fake-aws.js'

let aws: Awaited<ReturnType<typeof startFakeAws>>
let answer: () => AwsAnswer

beforeEach(async () => {
  answer = () => ({ body: '{"MessageId":"1"}' })
  aws = await startFakeAws(() => answer())
})
afterEach(() => aws.close())

const queueUrl = 'https://sqs.eu-central-1.amazonaws.com/123456789012/dead-letters'

function forwarder(logger = recordingLogger()) {
  const fake = fakeClient(() => tooLarge)
  const onPermanentFailure = deadLetterQueueSink(queueUrl, { environment: aws.environment, clock: systemClock })
  return forwardToEventHub({ client: fake.client, logger, onPermanentFailure })
}

const messages = () =>
  aws.requests.map(({ body }) => {
    const { QueueUrl, MessageBody } = JSON.parse(body)
    expect(QueueUrl).toBe(queueUrl)
    return { text: MessageBody as string, value: JSON.parse(MessageBody) }
  })

describe('the dead-letter queue', () => {
  test('gets each record that can never be sent, with the reason and its place, and the stream goes on', async () => {
    const event = fixture('kinesis')
    expect(await forwarder()(event, contextWith())).toEqual({
      // The first of these keys have been tried; what was held back comes again, with all behind it, and is judged then.
      batchItemFailures: [{ itemIdentifier: event.Records[2]!.kinesis.sequenceNumber }],
    })
    expect(aws.refusals).toEqual([])
    expect(aws.requests[0]).toMatchObject({ service: 'sqs', region: 'eu-central-1', target: 'AmazonSQS.SendMessage' })
    expect(messages().map(({ value }) => value.record.kinesis.partitionKey)).toEqual(['device-1', 'device-2'])
    expect(messages()[0]!.value).toMatchObject({
      version: '1.0',
      reason: { code: 'event-too-large' },
      source: 'kinesis',
      id: event.Records[0]!.eventID,
      sequenceNumber: event.Records[0]!.kinesis.sequenceNumber,
      eventSourceARN: event.Records[0]!.eventSourceARN,
      record: event.Records[0],
    })
  })

  test('gets the place alone of a stream’s record that is too large for a message', async () => {
    const event = fixture('kinesis')
    event.Records = event.Records.slice(0, 1)
    event.Records[0]!.kinesis.data = Buffer.alloc(300_000, 'x').toString('base64')
    expect(await forwarder()(event, contextWith())).toEqual({ batchItemFailures: [] })
    const [{ text, value }] = messages() as [ReturnType<typeof messages>[number]]
    expect(text.length).toBeLessThan(1000)
    expect(value).toMatchObject({ sequenceNumber: event.Records[0]!.kinesis.sequenceNumber })
    expect(value).not.toHaveProperty('record')
  })

  test('takes no such record of a queue: it would be lost, while its own queue still has it', async () => {
    const event = fixture('sqs')
    event.Records = event.Records.slice(0, 1)
    event.Records[0]!.body = 'x'.repeat(300_000)
    const logger = recordingLogger()
    expect(await forwarder(logger)(event, contextWith())).toEqual({
      batchItemFailures: [{ itemIdentifier: event.Records[0]!.messageId }],
    })
    expect(aws.requests).toEqual([])
    expect(logger.lines.join()).toContain(`${event.Records[0]!.messageId} is too large for a message`)
  })

  test('gets ASCII alone, since SQS refuses some characters', async () => {
    const event = fixture('dynamodb')
    event.Records = event.Records.slice(0, 1)
    event.Records[0]!.dynamodb!.NewImage = { note: { S: 'grüße \uffff \u0001' } }
    await forwarder()(event, contextWith())
    const [{ text, value }] = messages() as [ReturnType<typeof messages>[number]]
    expect(text).toMatch(/^[\x20-\x7e]+$/)
    expect(value.record).toEqual(event.Records[0])
  })

  test('has to be a standard queue: a FIFO queue would refuse every message', () => {
    expect(() => deadLetterQueueSink(`${queueUrl}.fifo`)).toThrow(TypeError)
  })

  test('that refuses leaves the record unacknowledged', async () => {
    answer = () => ({ status: 400, body: '{"__type":"com.amazonaws.sqs#QueueDoesNotExist"}' })
    const event = fixture('kinesis')
    expect(await forwarder()(event, contextWith())).toEqual({
      batchItemFailures: [{ itemIdentifier: event.Records[0]!.kinesis.sequenceNumber }],
    })
  })
})
