import { readFileSync } from 'node:fs'
import type { EventBridgeEvent, LambdaFunctionURLEvent, SQSEvent } from 'aws-lambda'
import type { LambdaInvocationRecord } from '../../../adapters/aws-lambda/index.js'

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
  'function-url': LambdaFunctionURLEvent
}

/** A fresh copy of a recorded event. */
export function fixture<N extends keyof Fixtures>(name: N): Fixtures[N] {
  return JSON.parse(readFileSync(new URL(`../../fixtures/aws/${name}.json`, import.meta.url), 'utf8'))
}
