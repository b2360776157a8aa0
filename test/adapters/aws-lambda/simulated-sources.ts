import type { BatchResponse, HttpAnswer, HttpEventResult } from '../../../adapters/aws-lambda/index.js'
import { EventsNotAcceptedError, EventsRefusedError, type ForwardAnswer } from '../../../adapters/aws-lambda/index.js'
import { fixture } from './fixtures.js'

/** A source of Lambda's: how it delivers records, and which of them it delivers again after an answer. */
export interface SimulatedSource {
  /** Most records in one delivery. */
  readonly most: number
  /** Records of one group must arrive in order. */
  readonly ordered: boolean
  /** How the source takes what can never be sent and no sink has taken. */
  readonly permanentFailures: 'source' | 'caller' | 'stream'
  event(records: readonly SimulatedRecord[]): unknown
  /** Positions of the records that come again, in order. */
  again(outcome: Outcome, count: number): number[]
}

export interface SimulatedRecord {
  /** A number; it is the event's id, or part of it. */
  readonly id: number
  readonly group: string
}

/** What the function did with a delivery. */
export type Outcome = { readonly answer: ForwardAnswer } | { readonly error: unknown }

const all = (count: number) => Array.from({ length: count }, (_, index) => index)

/** Only an error of the forwarder's own counts as its answer; any other is a fault in it. */
function allIfThrown(outcome: Outcome, count: number): number[] {
  if ('answer' in outcome) return []
  if (outcome.error instanceof EventsNotAcceptedError || outcome.error instanceof EventsRefusedError) return all(count)
  throw outcome.error
}

function failuresIn(outcome: Outcome): string[] {
  if ('error' in outcome) throw outcome.error
  return (outcome.answer as BatchResponse).batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)
}

/** A stream goes on at the lowest sequence number that it was told, with everything behind it. */
function fromFirst(outcome: Outcome, count: number, positionOf: (sequenceNumber: string) => number): number[] {
  const positions = failuresIn(outcome).map(positionOf)
  return positions.length === 0 ? [] : all(count).slice(Math.min(...positions))
}

function sqs(name: 'sqs' | 'sqs-fifo'): SimulatedSource {
  const template = fixture(name).Records[0]!
  let delivered: readonly SimulatedRecord[] = []
  return {
    most: 20,
    ordered: name === 'sqs-fifo',
    permanentFailures: 'source',
    event(records) {
      delivered = records
      return {
        Records: records.map(({ id, group }) => ({
          ...template,
          messageId: String(id),
          attributes: { ...template.attributes, MessageGroupId: group },
        })),
      }
    },
    again: (outcome) => failuresIn(outcome).map((id) => delivered.findIndex((record) => String(record.id) === id)),
  }
}

/** A source with a checkpoint: everything from the first record that failed on is delivered again. */
function stream(recordOf: (record: SimulatedRecord) => unknown): SimulatedSource {
  let delivered: readonly SimulatedRecord[] = []
  return {
    most: 20,
    ordered: true,
    permanentFailures: 'stream',
    event(records) {
      delivered = records
      return { Records: records.map(recordOf) }
    },
    again: (outcome, count) =>
      fromFirst(outcome, count, (number) => delivered.findIndex(({ id }) => String(id) === number)),
  }
}

function kinesis(): SimulatedSource {
  const template = fixture('kinesis').Records[0]!
  return stream(({ id, group }) => ({
    ...template,
    eventID: String(id),
    kinesis: { ...template.kinesis, partitionKey: group, sequenceNumber: String(id) },
  }))
}

function dynamodb(): SimulatedSource {
  const template = fixture('dynamodb').Records[0]!
  return stream(({ id, group }) => ({
    ...template,
    eventID: String(id),
    dynamodb: { ...template.dynamodb, Keys: { pk: { S: group } }, SequenceNumber: String(id) },
  }))
}

function sns(): SimulatedSource {
  const template = fixture('sns').Records[0]!
  return {
    most: 3,
    ordered: false,
    permanentFailures: 'source',
    event: (records) => ({
      Records: records.map(({ id }) => ({ ...template, Sns: { ...template.Sns, MessageId: String(id) } })),
    }),
    again: allIfThrown,
  }
}

function s3(): SimulatedSource {
  const template = fixture('s3').Records[0]!
  return {
    most: 3,
    ordered: false,
    permanentFailures: 'source',
    event: (records) => ({
      Records: records.map(({ id }) => ({
        ...template,
        s3: { ...template.s3, object: { ...template.s3.object, key: String(id) } },
      })),
    }),
    again: allIfThrown,
  }
}

function eventBridge(): SimulatedSource {
  return {
    most: 1,
    ordered: false,
    permanentFailures: 'source',
    event: ([record]) => ({ ...fixture('eventbridge-custom'), id: String(record!.id) }),
    again: allIfThrown,
  }
}

function destination(): SimulatedSource {
  const template = fixture('destination-success')
  return {
    most: 1,
    ordered: false,
    permanentFailures: 'source',
    event: ([record]) => ({
      ...template,
      requestContext: { ...template.requestContext, requestId: String(record!.id) },
    }),
    again: allIfThrown,
  }
}

function stepFunctions(): SimulatedSource {
  const template = fixture('step-functions')
  return {
    most: 10,
    ordered: false,
    permanentFailures: 'caller',
    event: (records) => ({ ...template, events: records.map(({ id }) => ({ id })) }),
    again: allIfThrown,
  }
}

function http(): SimulatedSource {
  const template = fixture('http-function-url-batch')
  return {
    most: 10,
    ordered: false,
    permanentFailures: 'caller',
    event: (records) => ({ ...template, body: JSON.stringify(records.map(({ id }) => ({ id }))) }),
    again(outcome) {
      if ('error' in outcome) throw outcome.error
      const { results } = JSON.parse((outcome.answer as HttpAnswer).body) as { results: HttpEventResult[] }
      return results.flatMap(({ status, index }) => (status === 'accepted' ? [] : [index]))
    },
  }
}

export const simulatedSources: Readonly<Record<string, () => SimulatedSource>> = {
  'SQS standard': () => sqs('sqs'),
  'SQS FIFO': () => sqs('sqs-fifo'),
  Kinesis: kinesis,
  DynamoDB: dynamodb,
  'Lambda destination': destination,
  SNS: sns,
  EventBridge: eventBridge,
  S3: s3,
  'Step Functions': stepFunctions,
  HTTP: http,
}
