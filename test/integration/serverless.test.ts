import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testAnyTemplate } from './serverless/any-template.js'
import { functionsOf, logsAnd, rightsOf } from './serverless/rights.js'
import { makeService, type Packaged } from './serverless/service.js'

const service = makeService()
let plain: Packaged

beforeAll(async () => {
  plain = await service.package('plain')
}, 90_000)
afterAll(() => service.close())

const deadLetterQueueArn = { 'Fn::GetAtt': ['DeadLetterQueue', 'Arn'] }

describe('the template without parameters', () => testAnyTemplate(() => plain))

describe('by itself', () => {
  test('has a queue, the asynchronous sources, Step Functions and the HTTP door, and nothing that costs by the hour', () => {
    expect(
      functionsOf(plain)
        .map(([name]) => name)
        .sort(),
    ).toEqual(['EventsLambdaFunction', 'HttpLambdaFunction', 'QueueLambdaFunction', 'StepsLambdaFunction'])
    expect(plain.ofType('AWS::Kinesis::Stream')).toEqual([])
  })

  test('leaves every setting to the shell, but for which sources a function takes', () => {
    const settings = Object.fromEntries(
      functionsOf(plain).map(([name, { Properties }]) => [name, Properties.Environment?.Variables]),
    )
    expect(settings).toEqual({
      QueueLambdaFunction: { FORWARD_SOURCES: 'sqs' },
      EventsLambdaFunction: { FORWARD_SOURCES: 'lambda-destination,eventbridge,sns,s3' },
      StepsLambdaFunction: { FORWARD_SOURCES: 'step-functions' },
      HttpLambdaFunction: {},
    })
  })

  test('reads its queue message by message, with a dead-letter queue behind it', () => {
    expect(plain.resource('QueueEventSourceMappingSQSEventQueue')).toMatchObject({
      EventSourceArn: { 'Fn::GetAtt': ['EventQueue', 'Arn'] },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    })
    expect(plain.resource('EventQueue').RedrivePolicy).toEqual({
      deadLetterTargetArn: deadLetterQueueArn,
      maxReceiveCount: 5,
    })
    expect(plain.resource('EventQueue').VisibilityTimeout).toBeGreaterThanOrEqual(
      6 * plain.resource('QueueLambdaFunction').Timeout,
    )
  })

  test('gives each function the rights of its own way in, and no other', () => {
    expect(rightsOf(plain, 'QueueRole')).toEqual(
      logsAnd(
        'sqs:DeleteMessage on EventQueue',
        'sqs:GetQueueAttributes on EventQueue',
        'sqs:ReceiveMessage on EventQueue',
      ),
    )
    expect(rightsOf(plain, 'EventsRole')).toEqual(logsAnd('sqs:SendMessage on DeadLetterQueue'))
    expect(rightsOf(plain, 'StepsRole')).toEqual(logsAnd())
    expect(rightsOf(plain, 'HttpRole')).toEqual(logsAnd())
  })

  test('keeps what asynchronous sources sent: after two retries it goes to the dead-letter queue', () => {
    expect(plain.resource('EventsLambdaEvConf')).toMatchObject({
      MaximumRetryAttempts: 2,
      DestinationConfig: { OnFailure: { Destination: deadLetterQueueArn } },
    })
  })

  test('lets only IAM callers through the Function URL', () => {
    expect(plain.resource('HttpLambdaFunctionUrl').AuthType).toBe('AWS_IAM')
  })

  test('rings when dead letters wait, when the queue lags, and when Lambda drops an event', () => {
    expect(plain.resource('DeadLettersAlarm')).toMatchObject({
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Threshold: 0,
      Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': ['DeadLetterQueue', 'QueueName'] } }],
    })
    expect(plain.resource('QueueAgeAlarm').MetricName).toBe('ApproximateAgeOfOldestMessage')
    expect(plain.resource('EventsDroppedAlarm').MetricName).toBe('DestinationDeliveryFailures')
  })
})
