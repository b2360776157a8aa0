import { afterEach, describe, expect, test, vi } from 'vitest'
import { createForwarder } from '../../../adapters/aws-lambda/forward.js'
import { type ForwardedRecord, type ForwardOptions, forwardToEventHub } from '../../../adapters/aws-lambda/index.js'
import { systemClock } from '../../../core/clock.js'
import { contextWith, fakeClient, recordingLogger, unknown } from './fake-client.js'
import { fixture } from './fixtures.js'

afterEach(() => vi.unstubAllEnvs())

test('the handler declares two parameters, since Lambda refuses those with three', () => {
  expect(forwardToEventHub({ client: fakeClient().client })).toHaveLength(2)
})

describe('time', () => {
  test('is what the function has left, with the reserve that was asked for', async () => {
    const fake = fakeClient()
    const handler = forwardToEventHub({ client: fake.client, reserveInMs: 250 })
    await handler(fixture('sqs'), contextWith(4321))
    expect(fake.invocations[0]!.options).toMatchObject({ timeoutInMs: 4321, reserveInMs: 250 })
  })

  test('is left to the client where there is no real context', async () => {
    const fake = fakeClient()
    await forwardToEventHub({ client: fake.client })(fixture('sqs'), {} as never)
    expect(fake.invocations[0]!.options.timeoutInMs).toBeUndefined()
  })
})

describe('the partitionKey option', () => {
  test('sees the record with its default key, and overrides it', async () => {
    const fake = fakeClient()
    const seen: ForwardedRecord[] = []
    const handler = forwardToEventHub({
      client: fake.client,
      partitionKey: (record) => {
        seen.push(record)
        return record.source === 'sqs' ? record.record.attributes.MessageDeduplicationId : undefined
      },
    })
    const event = fixture('sqs-fifo')
    await handler(event, contextWith())
    expect(seen[0]).toEqual({
      source: 'sqs',
      id: event.Records[0]!.messageId,
      defaultPartitionKey: 'red',
      record: event.Records[0],
    })
    expect(fake.sent[0]!.partitionKey).toBe(event.Records[0]!.attributes.MessageDeduplicationId)
  })

  test('sees an invocation record together with what it came in', async () => {
    const fake = fakeClient()
    const seen: ForwardedRecord[] = []
    const handler = forwardToEventHub({ client: fake.client, partitionKey: (record) => void seen.push(record) })
    const event = fixture('destination-in-sqs')
    await handler(event, contextWith())
    expect(seen[0]).toMatchObject({ source: 'lambda-destination', wrapper: event.Records[0] })
    expect(fake.sent[0]!.partitionKey).toBeUndefined()
  })

  test('that throws, or returns no string, fails its record alone', async () => {
    const fake = fakeClient()
    const logger = recordingLogger()
    const event = fixture('sqs')
    const results = [42, 'key']
    const handler = forwardToEventHub({
      client: fake.client,
      logger,
      partitionKey: () => {
        const result = results.shift()
        if (result === undefined) throw new RangeError('no rule for A-1002')
        return result as string
      },
    })
    expect(await handler(event, contextWith())).toEqual({
      batchItemFailures: [
        { itemIdentifier: event.Records[0]!.messageId },
        { itemIdentifier: event.Records[2]!.messageId },
      ],
    })
    expect(fake.sent).toHaveLength(1)
    expect(logger.lines[0]).toContain('returned a value of type number')
    expect(logger.lines[0]).toContain('threw RangeError')
    expect(logger.lines[0]).not.toContain('A-1002')
  })

  test('that fails one record does not shift the verdicts on those behind it', async () => {
    const fake = fakeClient((index) => (index === 0 ? unknown : 'accepted'))
    const event = fixture('sqs')
    const partitionKey = ({ id }: ForwardedRecord) => {
      if (id === event.Records[0]!.messageId) throw new Error('no rule')
      return id
    }
    const handler = forwardToEventHub({ client: fake.client, logger: recordingLogger(), partitionKey })
    expect(await handler(event, contextWith())).toEqual({
      batchItemFailures: [
        { itemIdentifier: event.Records[0]!.messageId },
        { itemIdentifier: event.Records[1]!.messageId },
      ],
    })
  })
})

describe('an event that is not taken', () => {
  const handler = forwardToEventHub({ client: fakeClient().client })

  test('is described by its keys and never by its values', async () => {
    const rejection = handler({ password: 'hunter2', user: { name: 'ada' } }, contextWith())
    await expect(rejection).rejects.toThrow(TypeError)
    await expect(rejection).rejects.toThrow(
      /with the keys password, user,.*takes http, sqs, sns, kinesis, dynamodb, s3, lambda-destination, eventbridge, step-functions.*withEventHub/,
    )
    await expect(rejection).rejects.not.toThrow(/hunter2|ada/)
  })

  test.each([
    [null, 'null'],
    ['text', 'a value of type string'],
    [[1, 2], 'an array'],
    [{}, 'an empty object'],
    [{ Records: [] }, 'the keys Records'],
    [{ Records: [{ eventSource: 'aws:kinesis' }] }, 'the keys Records'],
    [Object.fromEntries(Array.from({ length: 14 }, (_, i) => [`k${i}`, i])), 'k11 and 2 more'],
  ])('%j is named', async (event, words) => {
    await expect(handler(event, contextWith())).rejects.toThrow(words)
  })

  test('starts no invocation', async () => {
    const fake = fakeClient()
    await expect(forwardToEventHub({ client: fake.client })({}, contextWith())).rejects.toThrow(TypeError)
    expect(fake.invocations).toEqual([])
  })

  test('includes every shape that the sources option leaves out', async () => {
    const fake = fakeClient()
    const only = forwardToEventHub({ client: fake.client, sources: ['sqs'] })
    await expect(only(fixture('eventbridge-custom'), contextWith())).rejects.toThrow(/shape eventbridge.*\(sqs\)/)
    await only(fixture('destination-in-sqs'), contextWith())
    expect(fake.sent).toHaveLength(2)
  })
})

describe('options', () => {
  const { client } = fakeClient()

  test.each<[object, string]>([
    [{ partitonKey: () => 'x' }, 'partitonKey'],
    [{ format: 'json' }, 'format must be one of: cloudevents, raw'],
    [{ cloudEventsPropertyPrefix: 'ce-' }, 'cloudEventsPropertyPrefix'],
    [{ partitionKey: 'id' }, 'partitionKey must be a function'],
    [{ onPermanentFailure: {} }, 'onPermanentFailure must be a function'],
    [{ reserveInMs: -1 }, 'reserveInMs'],
    [{ sources: [] }, 'sources must be a list'],
    [{ sources: ['kafka'] }, 'sources must be one of: http, sqs, sns, kinesis, dynamodb, s3, lambda-destination'],
    [{ connectionString: 'Endpoint=sb://x' }, 'not both'],
  ])('%j is refused when the handler is made, by name', (wrong, words) => {
    expect(() => forwardToEventHub({ client, ...wrong } as ForwardOptions)).toThrow(words)
  })

  test('that are not an object are refused', () => {
    expect(() => forwardToEventHub('Endpoint=…' as never)).toThrow(TypeError)
  })
})

describe('warm-up', () => {
  const inLambda = { environment: { AWS_LAMBDA_FUNCTION_NAME: 'forwarder' }, clock: systemClock }
  const elsewhere = { environment: {}, clock: systemClock }

  test.each([
    ['connects while the module loads in Lambda', {}, inLambda, 1],
    ['is left out in Lambda when asked', { warmUp: false }, inLambda, 0],
    ['is left out elsewhere', {}, elsewhere, 0],
    ['happens elsewhere when asked', { warmUp: true }, elsewhere, 1],
  ])('%s', (_, options, surroundings, times) => {
    const fake = fakeClient()
    createForwarder({ client: fake.client, ...options }, surroundings)
    expect(fake.warmUps).toBe(times)
  })

  test('never happens before the options are valid', () => {
    const fake = fakeClient()
    expect(() => createForwarder({ client: fake.client, format: 'x' as never }, inLambda)).toThrow(TypeError)
    expect(fake.warmUps).toBe(0)
  })

  test('that fails harms nothing', async () => {
    const fake = fakeClient()
    fake.client.warmUp = () => Promise.reject(new Error('no route'))
    const handler = createForwarder({ client: fake.client }, inLambda)
    expect(await handler(fixture('sqs'), contextWith())).toEqual({ batchItemFailures: [] })
  })
})

test('a stream is sent nothing of what it brings again anyway: it would get a copy at each of endless retries', async () => {
  const fake = fakeClient()
  const logger = recordingLogger()
  let asked = 0
  const partitionKey = () => {
    if (++asked === 2) throw new RangeError('no such member')
    return 'k'
  }
  const handler = forwardToEventHub({ client: fake.client, logger, partitionKey })
  const event = fixture('kinesis')
  expect(await handler(event, contextWith())).toEqual({
    batchItemFailures: [{ itemIdentifier: event.Records[1]!.kinesis.sequenceNumber }],
  })
  expect(fake.sent.map(({ event: { messageId } }) => messageId)).toEqual([event.Records[0]!.eventID])
})

test('a key of one’s own that is too long becomes its digest, as the default ones do', async () => {
  const fake = fakeClient()
  const keys = ['x'.repeat(128), 'x'.repeat(129)]
  const handler = forwardToEventHub({ client: fake.client, partitionKey: () => keys.shift() })
  await handler(fixture('sqs'), contextWith())
  expect(fake.sent.map(({ partitionKey }) => partitionKey)).toEqual([
    'x'.repeat(128),
    expect.stringMatching(/^sha256:[\w-]{43}$/),
    undefined,
  ])
})
