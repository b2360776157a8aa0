import { describe, expect, test } from 'vitest'
import { EventHubError, type EventHubProducerClient, type EventInput } from '../../core/index.js'
import { fakeClient } from '../support/fake-client.js'
import type { FakeSend } from '../support/fake-transport.js'
import { settlePromises, type VirtualClock } from '../support/virtual-clock.js'

const ids = ['0', '1', '2', '3']
const gone = new EventHubError('gone', { code: 'entity-not-found', outcome: 'refused' })
const accepting = { onSend: (send: { accept(): void }) => send.accept() }
const bodiesOf = (events: EventInput[]) => events.map(({ body }) => body)

describe('createBatch', () => {
  test('given an id and a key takes the id, as every send does', async () => {
    const { client, transport } = fakeClient({ partitionIds: ids }, accepting)
    const batch = await client.createBatch({ partitionId: '2', partitionKey: 'k' })
    expect([batch.partitionId, batch.partitionKey]).toEqual(['2', undefined])
    batch.tryAdd({ body: 'a' })
    await client.sendBatch(batch)
    expect(transport.sends).toMatchObject([{ partitionId: '2', keys: [undefined] }])
  })

  test('ignores a key that is no string, with a warning', async () => {
    const { client, logged } = fakeClient({ partitionIds: ids })
    const batch = await client.createBatch({ partitionKey: 7 as never })
    expect(batch.partitionKey).toBeUndefined()
    expect(logged).toEqual([expect.stringMatching(/^warn: .*partitionKey of type number was ignored/)])
  })

  test('makes a batch that may be empty: sending it does nothing', async () => {
    const { client, transport } = fakeClient({ partitionIds: ids }, accepting)
    await client.sendBatch(await client.createBatch())
    await client.sendBatch([])
    expect(transport.sends).toEqual([])
  })
})

describe('onSuccess without buffered mode', () => {
  test('is told of each event or batch that was accepted, before the call resolves', async () => {
    const calls: unknown[] = []
    const onSuccess = (events: EventInput[], partitionId: string | undefined) => {
      calls.push([bodiesOf(events), partitionId])
    }
    const { client } = fakeClient({ partitionIds: ids, onSuccess }, accepting)
    await client.sendEvent({ body: 'a' }, { partitionId: '1' })
    await client.sendBatch([{ body: 'b' }, { body: 'c' }], { partitionKey: 'k' })
    const batch = await client.createBatch({ partitionId: '3' })
    batch.tryAdd({ body: 'd' })
    await client.sendBatch(batch)
    expect(calls).toEqual([
      [['a'], '1'],
      [['b', 'c'], undefined],
      [['d'], '3'],
    ])
  })

  test('hears nothing of what failed, nor does onError of what went well', async () => {
    const calls: unknown[] = []
    const { client } = fakeClient(
      {
        partitionIds: ids,
        onSuccess: (events) => calls.push(['accepted', ...bodiesOf(events)]),
        onError: (events, _partitionId, error) => calls.push([error.code, ...bodiesOf(events)]),
      },
      { onSend: (send) => (send.bodies.includes('bad') ? send.fail(gone) : send.accept()) },
    )
    await client.sendEvent({ body: 'good' })
    await client.sendEvent({ body: 'bad' })
    await client.sendBatch([{ body: 'bad' }, { body: 'too' }])
    expect(calls).toEqual([
      ['accepted', 'good'],
      ['entity-not-found', 'bad'],
      ['entity-not-found', 'bad', 'too'],
    ])
  })

  test('that fails, now or later, is logged: the event has been accepted all the same', async () => {
    let calls = 0
    const onError = () => {
      throw new Error('Nothing had failed.')
    }
    const onSuccess = () => {
      if (++calls === 1) throw new Error('at once')
      return Promise.reject(new Error('later'))
    }
    const { client, logged } = fakeClient({ partitionIds: ids, onSuccess, onError }, accepting)
    await client.sendEvent({ body: 'a' })
    await client.sendEvent({ body: 'b' })
    await settlePromises()
    expect(logged).toEqual([
      expect.stringMatching(/^error: .*onSuccess callback failed: at once/),
      expect.stringMatching(/^error: .*onSuccess callback failed: later/),
    ])
  })
})

describe('sendBatch with an array, in buffered mode', () => {
  function buffered(options: object = {}, transportOptions: object = {}) {
    const calls: unknown[] = []
    const setup = fakeClient(
      {
        partitionIds: ids,
        bufferedMode: true,
        onSuccess: (events, partitionId) => calls.push(['accepted', bodiesOf(events), partitionId]),
        onError: (events, partitionId, error) => calls.push([error.code, bodiesOf(events), partitionId]),
        ...options,
      },
      transportOptions,
    )
    return { ...setup, calls }
  }

  test('keeps it in one piece, apart from what comes before and after', async () => {
    const { client, transport, calls } = buffered({}, accepting)
    await client.sendEvent({ body: 'before' }, { partitionKey: 'k' })
    await client.sendBatch([{ body: 'a' }, { body: 'b' }], { partitionKey: 'k' })
    await client.sendEvent({ body: 'after' }, { partitionKey: 'k' })
    await client.flush()
    expect(transport.sends.map(({ bodies, keys }) => [bodies, keys])).toEqual([
      [['before'], ['k']],
      [
        ['a', 'b'],
        ['k', 'k'],
      ],
      [['after'], ['k']],
    ])
    expect(calls).toHaveLength(3)
  })

  test('takes all of it or nothing: an array without room, or with something that is no event, is not there', async () => {
    const { client, clock, transport } = buffered({ maxBufferLength: 3 })
    await client.sendBatch([{ body: 'a' }, { body: 'b' }], { partitionId: '0' })
    const waiting = client.sendBatch([{ body: 'c' }, { body: 'd' }], { partitionId: '0', timeoutInMs: 100 })
    const timedOut = expect(waiting).rejects.toMatchObject({ name: 'OperationTimeoutError' })
    await clock.advance(100)
    await timedOut
    await expect(client.sendBatch([{ body: 'e' }, 'no event' as never], { partitionId: '0' })).rejects.toThrow(
      TypeError,
    )
    expect(client.totalBufferedEventCount).toBe(2)
    expect(transport.sends.map(({ bodies }) => bodies)).toEqual([['a', 'b']])
  })

  test('refuses what does not fit one message', async () => {
    const { client } = buffered({}, { maxBatchSizeInBytes: 60 })
    const many = Array.from({ length: 10 }, (_, i) => ({ body: `${i}` }))
    await expect(client.sendBatch(many)).rejects.toMatchObject({ code: 'event-too-large', outcome: 'refused' })
    expect(client.totalBufferedEventCount).toBe(0)
  })

  test('keeps it whole in failure, too: what is too large for the event hub is refused once, and never split', async () => {
    const tooLarge = new EventHubError('too large', { code: 'event-too-large', outcome: 'refused' })
    const { client, transport, calls } = buffered({}, { onSend: (send: FakeSend) => send.fail(tooLarge) })
    await client.sendBatch([{ body: 'a' }, { body: 'b' }], { partitionId: '0' })
    await client.flush()
    expect(transport.sends.map(({ bodies }) => bodies)).toEqual([['a', 'b']])
    expect(calls).toEqual([['event-too-large', ['a', 'b'], '0']])
  })

  test('of a batch made for a key goes where that key belongs', async () => {
    const { client, transport } = buffered({}, accepting)
    await client.sendEvent({ body: 'event' }, { partitionKey: 'abc' })
    const batch = await client.createBatch({ partitionKey: 'abc' })
    batch.tryAdd({ body: 'batch' })
    await client.sendBatch(batch)
    await client.flush()
    // DIALECT.md: 'abc' is partition 1 of 4.
    expect(transport.sends.map(({ partitionId }) => partitionId)).toEqual(['1', '1'])
  })
})

describe('without a timeoutInMs, is over after 60 s:', () => {
  /** What the call has said 2 s before the minute is over, and what when it is. */
  async function endOf(clock: VirtualClock, call: Promise<unknown>): Promise<unknown[]> {
    let error: EventHubError | undefined
    call.catch((thrown) => {
      error = thrown
    })
    await clock.advance(58_000)
    const before = error?.code
    await clock.advance(2000)
    return [before, error?.code]
  }

  test.each<readonly [string, (client: EventHubProducerClient) => Promise<unknown>]>([
    ['flush', (client) => client.flush()],
    ['close', (client) => client.close()],
    ['sendEvent, for room in the buffer', (client) => client.sendEvent({ body: 'b' }, { partitionId: '0' })],
  ])('the wait of %s', async (_, call) => {
    const { client, clock } = fakeClient({
      partitionIds: ids,
      bufferedMode: true,
      maxBufferLength: 1,
      retryOptions: { maxRetries: 1000 },
      onSuccess: () => {},
      onError: () => {},
    })
    await client.sendEvent({ body: 'a' }, { partitionId: '0' })
    expect(await endOf(clock, call(client))).toEqual([undefined, 'timeout'])
  })

  test('the wait for properties', async () => {
    const { client, clock, transport } = fakeClient({
      retryOptions: { maxRetries: 1000, retryDelayInMs: 1000, mode: 'fixed' },
    })
    transport.propertiesError = new EventHubError('busy', { code: 'service-error', retryable: true })
    expect(await endOf(clock, client.getPartitionIds())).toEqual([undefined, 'service-error'])
  })
})

test('a buffered batch that is full to the byte leaves at once, without another event to push it', async () => {
  const { client, transport } = fakeClient(
    { partitionIds: ids, bufferedMode: true, onSuccess: () => {}, onError: () => {} },
    { maxBatchSizeInBytes: 60 },
  )
  // The fake wire: 20 bytes of envelope, 10 more for each event.
  for (const body of ['0123456789', 'abcdefghij']) {
    await settlePromises()
    expect(transport.sends).toHaveLength(0)
    await client.sendEvent({ body }, { partitionId: '0' })
  }
  await settlePromises()
  expect(transport.sends.map(({ bodies }) => bodies)).toEqual([['0123456789', 'abcdefghij']])
  await client.sendEvent({ body: 'one more' }, { partitionId: '0' })
  await settlePromises()
  expect(transport.sends).toHaveLength(1)
})

test('getBufferedEventCount of a partition that holds nothing is 0, whether there is one or not', async () => {
  const { client } = fakeClient({ partitionIds: ids, bufferedMode: true, onSuccess: () => {}, onError: () => {} })
  await client.sendEvent({ body: 'a' }, { partitionId: '1' })
  expect(['0', '1', 'nowhere'].map((id) => client.getBufferedEventCount(id))).toEqual([0, 1, 0])
})

test('warmUp ends with its abortSignal, and does not reject', async () => {
  const { client, transport, clock } = fakeClient()
  transport.propertiesGate = new Promise(() => {})
  transport.warmUp = () => new Promise(() => {})
  const abort = new AbortController()
  let isOver = false
  const warm = client.warmUp({ abortSignal: abort.signal }).then(() => {
    isOver = true
  })
  await settlePromises()
  expect(isOver).toBe(false)
  abort.abort()
  await warm
  expect(clock.pendingTimers).toBe(0)
})
