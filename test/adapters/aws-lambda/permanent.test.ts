import { describe, expect, test } from 'vitest'
import { createForwarder } from '../../../adapters/aws-lambda/forward.js'
import { type ForwardOptions, forwardToEventHub, type PermanentFailure } from '../../../adapters/aws-lambda/index.js'
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
