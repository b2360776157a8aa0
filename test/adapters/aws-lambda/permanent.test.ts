import { describe, expect, test } from 'vitest'
import { createForwarder } from '../../../adapters/aws-lambda/forward.js'
import { type ForwardOptions, forwardToEventHub, type PermanentFailure } from '../../../adapters/aws-lambda/index.js'
import { EventHubError } from '../../../core/errors.js'
import { contextWith, fakeClient, noRights, recordingLogger, returned, tooLarge, type Verdict } from './fake-client.js'
import { fixture } from './fixtures.js'

function forwarder(verdicts: Verdict[], options: ForwardOptions = {}) {
  const fake = fakeClient((index) => verdicts[index] ?? 'accepted')
  const logger = recordingLogger()
  return { fake, logger, handler: forwardToEventHub({ client: fake.client, logger, ...options }) }
}

const failed = (event: ReturnType<typeof fixture<'sqs'>>, ...indexes: number[]) => ({
  batchItemFailures: indexes.map((index) => ({ itemIdentifier: event.Records[index]!.messageId })),
})

describe('a record that can never be sent', () => {
  test('is reported as failed, for the redrive policy, and logged by id and code without its body', async () => {
    const { handler, logger } = forwarder(['accepted', tooLarge])
    const event = fixture('sqs')
    expect(await handler(event, contextWith())).toEqual(failed(event, 1))
    const [line] = logger.lines
    expect(line).toContain(event.Records[1]!.messageId)
    expect(line).toContain('event-too-large')
    expect(logger.lines.join()).not.toContain('Plain text')
  })

  test('goes to the sink, alone, and counts as handled once the sink resolves', async () => {
    const taken: PermanentFailure[] = []
    const { handler, fake } = forwarder([returned, tooLarge], {
      onPermanentFailure: async (failures) => void taken.push(...failures),
    })
    const event = fixture('sqs')
    expect(await handler(event, contextWith())).toEqual(failed(event, 0))
    expect(taken).toHaveLength(1)
    expect(taken[0]).toMatchObject({
      record: { source: 'sqs', id: event.Records[1]!.messageId, record: event.Records[1] },
      event: fake.sent[1]!.event,
      error: { code: 'event-too-large' },
    })
  })

  test.each([
    ['rejects', async () => Promise.reject(new Error('secret body'))],
    [
      'throws',
      () => {
        throw new Error('secret body')
      },
    ],
  ])('stays failed when the sink %s, and the log does not repeat what the sink said', async (_, onPermanentFailure) => {
    const { handler, logger } = forwarder([tooLarge], { onPermanentFailure })
    const event = fixture('sqs')
    expect(await handler(event, contextWith())).toEqual(failed(event, 0))
    expect(logger.lines.join()).toContain('onPermanentFailure failed (Error)')
    expect(logger.lines.join()).not.toContain('secret body')
  })

  test('stays failed when the sink outlasts the function, whose answer still goes out in time', async () => {
    const scheduled: { delayInMs: number; fire: () => void; cancelled: boolean }[] = []
    let signal: AbortSignal | undefined
    const fake = fakeClient(() => tooLarge)
    const logger = recordingLogger()
    const handler = createForwarder(
      {
        client: fake.client,
        logger,
        onPermanentFailure: (_, details) => {
          signal = details.signal
          queueMicrotask(() => scheduled[0]!.fire())
          return new Promise(() => {})
        },
      },
      {
        environment: {},
        clock: {
          monotonicNow: () => 0,
          wallNow: () => 0,
          schedule(delayInMs, fire) {
            const entry = { delayInMs, fire, cancelled: false }
            scheduled.push(entry)
            return () => {
              entry.cancelled = true
            }
          },
        },
      },
    )
    const event = fixture('sqs')
    expect(await handler(event, contextWith(700))).toEqual(failed(event, 0, 1, 2))
    expect(scheduled).toMatchObject([{ delayInMs: 600, cancelled: true }])
    expect(signal!.aborted).toBe(true)
  })

  test('does not fail an EventBridge invocation that the sink has taken over', async () => {
    const { handler } = forwarder([tooLarge], { onPermanentFailure: () => {} })
    expect(await handler(fixture('eventbridge-custom'), contextWith())).toEqual({ accepted: 0 })
  })

  test('lets the rest of its FIFO group come again in order, once the sink has it', async () => {
    const { handler } = forwarder([tooLarge, 'accepted', returned], { onPermanentFailure: () => {} })
    const event = fixture('sqs-fifo')
    expect(await handler(event, contextWith())).toEqual(failed(event, 2, 4))
  })
})

test('a refusal that somebody can mend never reaches the sink', async () => {
  const taken: PermanentFailure[] = []
  const { handler } = forwarder([noRights, noRights, noRights], {
    onPermanentFailure: (failures) => void taken.push(...failures),
  })
  const event = fixture('sqs')
  expect(await handler(event, contextWith())).toEqual(failed(event, 0, 1, 2))
  expect(taken).toEqual([])
})

describe('a record of a stream that can never be sent', () => {
  test.each([
    ['kinesis', (index: number) => fixture('kinesis').Records[index]!.kinesis.sequenceNumber],
    ['dynamodb', (index: number) => fixture('dynamodb').Records[index]!.dynamodb!.SequenceNumber!],
  ] as const)('%s: is passed over, and the log says where the stream still has it', async (name, sequenceNumber) => {
    const { handler, logger } = forwarder([tooLarge])
    const event = fixture(name)
    event.Records.splice(1)
    expect(await handler(event, contextWith())).toEqual({ batchItemFailures: [] })
    expect(logger.lines.join()).toContain(sequenceNumber(0))
    expect(logger.lines.join()).toContain(event.Records[0]!.eventSourceARN)
  })

  test('waits for its turn behind one that comes again, so that the sink gets it once', async () => {
    const verdicts: Verdict[] = [returned, tooLarge, 'accepted']
    const taken: string[] = []
    const { handler, logger } = forwarder(verdicts, {
      onPermanentFailure: (failures) => void taken.push(...failures.map(({ record }) => record.id)),
    })
    const event = fixture('kinesis')
    event.Records.splice(3)
    const again = { batchItemFailures: [{ itemIdentifier: event.Records[0]!.kinesis.sequenceNumber }] }
    for (const _ of [1, 2]) expect(await handler(event, contextWith())).toEqual(again)
    expect(taken).toEqual([])
    expect(logger.lines.join()).not.toContain('can never take')
    verdicts[0] = 'accepted'
    expect(await handler(event, contextWith())).toEqual({ batchItemFailures: [] })
    expect(taken).toEqual([event.Records[1]!.eventID])
  })
})

test('in a FIFO queue too, what comes again behind another is not offered to the sink yet', async () => {
  const taken: string[] = []
  const { handler } = forwarder([returned, 'accepted', tooLarge, tooLarge], {
    // Keys of its own keep the client from holding back the third.
    partitionKey: ({ id }) => id,
    onPermanentFailure: (failures) => void taken.push(...failures.map(({ record }) => record.id)),
  })
  const event = fixture('sqs-fifo')
  const groups = event.Records.map(({ attributes }) => attributes.MessageGroupId)
  expect([groups[2], groups[3] === groups[0]]).toEqual([groups[0], false])
  await handler(event, contextWith())
  expect(taken).toEqual([event.Records[3]!.messageId])
})

test('why a sink of ours failed stands in the log', async () => {
  const { handler, logger } = forwarder([tooLarge], {
    onPermanentFailure: () =>
      Promise.reject(new EventHubError('sqs:SendMessage failed: AWS answered 403', { code: 'authentication-failed' })),
  })
  await handler(fixture('sqs'), contextWith())
  expect(logger.lines.join()).toContain('sqs:SendMessage failed: AWS answered 403')
})

test('what the transport in use cannot carry is the fault of a setting: a stream keeps it until that is mended', async () => {
  const taken: PermanentFailure[] = []
  const notSupported: Verdict = { outcome: 'refused', code: 'not-supported' }
  const { handler } = forwarder([notSupported], { onPermanentFailure: (failures) => void taken.push(...failures) })
  const event = fixture('kinesis')
  expect(await handler(event, contextWith())).toEqual({
    batchItemFailures: [{ itemIdentifier: event.Records[0]!.kinesis.sequenceNumber }],
  })
  expect(taken).toEqual([])
})

test('CloudEvents over HTTPS are refused when the handler is made: their attributes cannot be headers', () => {
  const connectionString = 'Endpoint=sb://127.0.0.1;SharedAccessKeyName=n;SharedAccessKey=a2V5;EntityPath=orders'
  const make = (format?: 'raw') =>
    forwardToEventHub({ connectionString, format, clientOptions: { transportType: 'https' }, warmUp: false })
  expect(make).toThrow(/transportType/)
  expect(() => make('raw')).not.toThrow()
})
