// Calls the handler as Lambda does, with two messages from a queue.
import type { Context, SQSEvent, SQSRecord } from 'aws-lambda'
import { handler } from './handler.js'

const record = (messageId: string, body: string): SQSRecord => ({
  messageId,
  body,
  receiptHandle: 'receipt',
  attributes: {
    ApproximateReceiveCount: '1',
    SentTimestamp: '1700000000000',
    SenderId: 'sender',
    ApproximateFirstReceiveTimestamp: '1700000000001',
  },
  messageAttributes: {},
  md5OfBody: '',
  eventSource: 'aws:sqs',
  eventSourceARN: 'arn:aws:sqs:eu-west-1:123456789012:orders',
  awsRegion: 'eu-west-1',
})
const event: SQSEvent = { Records: [record('m-1', '{"order":1}'), record('m-2', '{"order":2}')] }
const context = { awsRequestId: 'request-1', functionName: 'forward', getRemainingTimeInMillis: () => 10_000 }

console.log(JSON.stringify(await handler(event, context as Context)))
// A frozen process keeps its connection; a program that ends has to.
process.exit()
