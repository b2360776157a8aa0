import { readFileSync } from 'node:fs'
import type {
  APIGatewayProxyEvent,
  DynamoDBStreamEvent,
  EventBridgeEvent,
  KinesisStreamEvent,
  LambdaFunctionURLEvent,
  S3Event,
  SNSEvent,
  SQSEvent,
} from 'aws-lambda'
import type { LambdaInvocationRecord, StepFunctionsPayload } from '../../../adapters/aws-lambda/index.js'

interface Fixtures {
  sqs: SQSEvent
  'sqs-fifo': SQSEvent
  'destination-success': LambdaInvocationRecord
  'destination-failure': LambdaInvocationRecord
  'destination-in-sqs': SQSEvent
  'destination-in-eventbridge': EventBridgeEvent<string, LambdaInvocationRecord>
  'destination-in-eventbridge-in-sqs': SQSEvent
  'eventbridge-scheduled': EventBridgeEvent<string, unknown>
  'eventbridge-custom': EventBridgeEvent<string, unknown>
  'destination-in-sns': SNSEvent
  'destination-in-sns-in-sqs': SQSEvent
  sns: SNSEvent
  kinesis: KinesisStreamEvent
  dynamodb: DynamoDBStreamEvent
  s3: S3Event
  'step-functions': StepFunctionsPayload
  'function-url': LambdaFunctionURLEvent
  'http-function-url-batch': LambdaFunctionURLEvent
  'http-rest-api': APIGatewayProxyEvent
}

/** A fresh copy of a recorded event. */
export function fixture<N extends keyof Fixtures>(name: N): Fixtures[N] {
  return JSON.parse(readFileSync(new URL(`../../fixtures/aws/${name}.json`, import.meta.url), 'utf8'))
}
