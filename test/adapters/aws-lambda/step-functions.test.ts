import { describe, expect, test } from 'vitest'
import {
  EventsNotAcceptedError,
  EventsRefusedError,
  forwardToEventHub,
  type PermanentFailure,
  type StepFunctionsPayload,
} from '../../../adapters/aws-lambda/index.js'
import { busy, contextWith, fakeClient, recordingLogger, tooLarge, unknown, type Verdict } from './fake-client.js'
import { fixture } from './fixtures.js'

function forwarder(...verdicts: Verdict[]) {
  const fake = fakeClient((index) => verdicts[index] ?? 'accepted')
  const taken: PermanentFailure[] = []
  const handler = forwardToEventHub({
    client: fake.client,
    logger: recordingLogger(),
    onPermanentFailure: (failures) => void taken.push(...failures),
  })
  return { fake, handler, taken }
}

const idsFor = async (payload: StepFunctionsPayload) => {
  const { handler, fake } = forwarder()
  await handler(payload, contextWith())
  return fake.sent.map(({ event }) => event.messageId)
}

describe('a Task state', () => {
  test('gets a result when all its events were accepted', async () => {
    const { handler, fake } = forwarder()
    const payload = fixture('step-functions')
    expect(await handler(payload, contextWith())).toEqual({ accepted: 3 })
    const { Execution, State, StateMachine } = payload.context
    expect(fake.sent.map(({ event }) => [event.body, event.contentType])).toEqual([
      ['{"orderId":"A-1001"}', 'application/json'],
      ['plain text', 'text/plain; charset=utf-8'],
      ['{"orderId":"A-1003","note":"grüße"}', 'application/json'],
    ])
    expect(fake.sent[1]).toMatchObject({
      partitionKey: Execution.Id,
      event: {
        properties: {
          'cloudEvents:id': expect.stringMatching(
            new RegExp(`^${Execution.Id}/Forward/${State.EnteredTime}/1/[\\w-]{43}$`),
          ),
          'cloudEvents:source': StateMachine!.Id,
          'cloudEvents:type': 'com.amazonaws.states.event',
          'cloudEvents:subject': 'Forward',
          'cloudEvents:time': State.EnteredTime,
        },
      },
    })
  })

  test.each<[string, Verdict[]]>([
    ['one outcome is unknown', ['accepted', unknown]],
    ['the event hub is busy', [busy, busy, busy]],
    ['one can be retried and one can never be sent', [tooLarge, unknown]],
  ])('gets an error that its Retry matches when %s', async (_, verdicts) => {
    const { handler } = forwarder(...verdicts)
    const error = await handler(fixture('step-functions'), contextWith()).catch((thrown: unknown) => thrown)
    // The runtime reports an error's name as errorType, which is what ErrorEquals compares.
    expect(error).toBeInstanceOf(EventsNotAcceptedError)
    expect((error as Error).name).toBe('EventsNotAcceptedError')
  })

  test('gets an error for its Catch when nothing but events that can never be sent is left', async () => {
    const { handler, taken } = forwarder('accepted', tooLarge)
    const error = await handler(fixture('step-functions'), contextWith()).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(EventsRefusedError)
    expect((error as Error).name).toBe('EventsRefusedError')
    expect((error as Error).message).toContain('at index 1.')
    expect((error as Error).message).not.toContain('plain text')
    // The state machine is told; a sink beside it would keep a second copy.
    expect(taken).toEqual([])
  })

  test('may send one event instead of a list, whatever it is', async () => {
    const { context } = fixture('step-functions')
    for (const [event, body] of [
      [{ a: 1 }, '{"a":1}'],
      [[1, 2], '[1,2]'],
      [null, 'null'],
      ['text', 'text'],
    ]) {
      const { handler, fake } = forwarder()
      expect(await handler({ context, event }, contextWith())).toEqual({ accepted: 1 })
      expect(fake.sent[0]!.event.body).toBe(body)
    }
  })

  test('with an empty list has nothing to do', async () => {
    const { handler, fake } = forwarder()
    expect(await handler({ ...fixture('step-functions'), events: [] }, contextWith())).toEqual({ accepted: 0 })
    expect(fake.invocations).toEqual([])
  })

  test('makes the same ids when it is retried, and others when it is entered again or is another item of a Map', async () => {
    const payload = fixture('step-functions')
    const ids = await idsFor(payload)
    const { context } = payload
    expect(
      await idsFor({ ...payload, context: { ...context, State: { ...context.State, RetryCount: 3 } as never } }),
    ).toEqual(ids)
    const later = { ...context, State: { ...context.State, EnteredTime: '2025-11-20T01:00:00.000Z' } }
    const inMap = (Index: number) => ({ ...context, Map: { Item: { Index } } })
    const others = await Promise.all([later, inMap(0), inMap(1)].map((other) => idsFor({ ...payload, context: other })))
    expect(new Set([ids, ...others].flat()).size).toBe(12)
  })

  test.each([
    [{ context: { Execution: { Id: 'x' }, State: { Name: 'y' } } }],
    [{ context: { Execution: { Id: 'x' }, State: { Name: 'y' } }, event: 1, events: [] }],
    [{ context: { Execution: { Id: 'x' }, State: { Name: 'y' } }, events: {} }],
    [{ context: { Execution: {}, State: {} }, events: [] }],
  ])('that does not say clearly what to send is refused: %j', async (payload) => {
    await expect(forwarder().handler(payload, contextWith())).rejects.toThrow(/does not know/)
  })
})

test('items of a Map state that enter it in one millisecond have ids of their own, whatever the payload says of the Map', async () => {
  const context = fixture('step-functions').context
  const of = (orderId: string, more: Partial<StepFunctionsPayload['context']> = {}) =>
    idsFor({ context: { ...context, ...more }, event: { orderId } })
  const ids = [
    await of('A-1'),
    await of('A-2'),
    // Nested: the index is that of the inner Map alone.
    await of('B-1', { Map: { Item: { Index: 0 } } }),
    await of('B-2', { Map: { Item: { Index: 0 } } }),
  ].flat()
  expect(new Set(ids).size).toBe(4)
  expect(await of('A-1')).toEqual([ids[0]])
})
