import { describe, expect, test, vi } from 'vitest'
import { EventHubProducerClient } from '../../../core/client.js'
import { EventHubError } from '../../../core/errors.js'
import type { EventInput } from '../../../core/event-data.js'
import { fakeClient } from '../../support/fake-client.js'
import type { FakeTransportOptions } from '../../support/fake-transport.js'
import { thrownBy } from '../../support/thrown.js'
import { settlePromises } from '../../support/virtual-clock.js'

const ids = ['0', '1', '2', '3']
const gone = new EventHubError('gone', { code: 'entity-not-found', outcome: 'refused' })

function buffered(options: object = {}, transportOptions: FakeTransportOptions = {}) {
  const calls: [string, unknown[], string | undefined, string?][] = []
  const bodies = (events: EventInput[]) => events.map((event) => event.body)
  const setup = fakeClient(
    {
      partitionIds: ids,
      bufferedMode: true,
      onSuccess: (events, partitionId) => calls.push(['accepted', bodies(events), partitionId]),
      onError: (events, partitionId, error) => calls.push([error.outcome, bodies(events), partitionId, error.code]),
      ...options,
    },
    transportOptions,
  )
  return { ...setup, calls }
}

describe('construction', () => {
  test('does no I/O and starts no timer', () => {
    const { clock, transport } = fakeClient({ partitionIds: ids })
    expect(clock.pendingTimers).toBe(0)
    expect(transport.sends).toHaveLength(0)
  })

  test('refuses what cannot work, by name and with what to do', () => {
    const credential = { name: 'n', key: 'k' }
    expect(() => new EventHubProducerClient('', 'events', credential)).toThrow(/host name/)
    expect(() => new EventHubProducerClient('ns.example.net', '', credential)).toThrow(/event hub/)
    expect(() => new EventHubProducerClient('ns.example.net', 'events', {} as never)).toThrow(/TokenCredential/)
    expect(
      () => new EventHubProducerClient('ns.example.net', 'events', credential, { bufferedMode: true } as never),
    ).toThrow(/onSuccess/)
    expect(
      () => new EventHubProducerClient('ns.example.net', 'e', credential, { transportType: 'carrier-pigeon' as never }),
    ).toThrow(/transportType/)
    expect(
      () => new EventHubProducerClient('ns.example.net', 'e', credential, { buffered_mode: true } as never),
    ).toThrow(/bufferedMode/)
  })

  test('refuses calls that are mistaken, by name', async () => {
    const { client } = fakeClient({ partitionIds: ids })
    const abortSignal = new AbortController() as never
    await expect(client.sendEvent({ body: 'a' }, { abortSignal })).rejects.toThrow(/pass its signal/)
    await expect(client.flush({ abortSignal })).rejects.toThrow(/pass its signal/)
    expect(() => client.beginInvocation({ abortSignal })).toThrow(/pass its signal/)
    await expect(client.flush({ timeout: 5 } as never)).rejects.toThrow(/timeout/)
    await expect(client.createBatch({ timeoutInMs: 5 } as never)).rejects.toThrow(/timeoutInMs/)
    expect(() => client.beginInvocation({ deadline: 5 } as never)).toThrow(/deadline/)
    const credential = { name: 'n', key: 'k' }
    const tls = { host: 'elsewhere.example.net' }
    expect(() => new EventHubProducerClient('ns.example.net', 'e', credential, { tls } as never)).toThrow(
      /customEndpointAddress/,
    )
  })

  test('takes an address as development endpoint', () => {
    for (const host of ['[::1]:5672', 'localhost', '127.0.0.1:5673']) {
      const text = `Endpoint=sb://${host};SharedAccessKeyName=n;SharedAccessKey=k;EntityPath=e;UseDevelopmentEmulator=true`
      expect(EventHubProducerClient.fromConnectionString(text).eventHubName).toBe('e')
    }
  })

  test('shows nothing of an eventHubName that is no name: it may be a connection string', () => {
    const text = 'Endpoint=sb://ns.example.net/;SharedAccessKeyName=n;SharedAccessKey=very-secret;EntityPath=a'
    for (const given of [text, text.replace(';EntityPath=a', '')]) {
      const error = thrownBy(() => EventHubProducerClient.fromConnectionString(given, { eventHubName: text }))
      expect(error.message).toMatch(/eventHubName must be the name of an event hub/)
      expect(error.message).not.toContain('secret')
    }
  })

  test('takes a connection string with EntityPath or eventHubName, and refuses two different ones', () => {
    const text = 'Endpoint=sb://ns.example.net/;SharedAccessKeyName=n;SharedAccessKey=secret-key'
    const client = EventHubProducerClient.fromConnectionString(`${text};EntityPath=events`)
    expect([client.fullyQualifiedNamespace, client.eventHubName, client.transportName]).toEqual([
      'ns.example.net',
      'events',
      'amqp',
    ])
    expect(EventHubProducerClient.fromConnectionString(text, { eventHubName: 'other' }).eventHubName).toBe('other')
    expect(() => EventHubProducerClient.fromConnectionString(text)).toThrow(/Which event hub/)
    expect(() => EventHubProducerClient.fromConnectionString(`${text};EntityPath=a`, { eventHubName: 'b' })).toThrow(
      /EntityPath is a/,
    )
    expect(() =>
      EventHubProducerClient.fromConnectionString(`${text};EntityPath=a`, { eventHubName: 'b' }),
    ).not.toThrow(/secret-key/)
  })
})

describe('without buffered mode', () => {
  test('sendEvent resolves once the event is accepted, and rejects with what is known', async () => {
    const { client, transport } = fakeClient({ partitionIds: ids })
    const sent = client.sendEvent({ body: 'a' }, { partitionId: '1' })
    await settlePromises()
    expect(transport.sends[0]).toMatchObject({ partitionId: '1', bodies: ['a'] })
    transport.sends[0]?.accept()
    await sent
    const refused = client.sendEvent({ body: 'b' })
    await settlePromises()
    transport.sends[1]?.fail(gone)
    await expect(refused).rejects.toMatchObject({ code: 'entity-not-found', outcome: 'refused' })
  })

  test('onError, when given, takes the error in place of the rejection', async () => {
    const onError = vi.fn()
    const { client } = fakeClient({ partitionIds: ids, onError }, { onSend: (send) => send.fail(gone) })
    await client.sendEvent({ body: 'a' }, { partitionId: '1' })
    expect(onError).toHaveBeenCalledExactlyOnceWith([{ body: 'a' }], '1', gone)
  })

  test('a partition id wins over a key; an unknown id is an error at once', async () => {
    const { client, transport } = fakeClient({ partitionIds: ids }, { onSend: (send) => send.accept() })
    await client.sendEvent({ body: 'a' }, { partitionId: '2', partitionKey: 'k' })
    expect(transport.sends[0]).toMatchObject({ partitionId: '2', keys: [undefined] })
    await expect(client.sendEvent({ body: 'a' }, { partitionId: '7' })).rejects.toMatchObject({
      code: 'argument-error',
    })
    expect(transport.sends).toHaveLength(1)
  })

  test('a key that is not a string is ignored with a warning', async () => {
    const { client, transport, logged } = fakeClient({ partitionIds: ids }, { onSend: (send) => send.accept() })
    await client.sendEvent({ body: 'a' }, { partitionKey: 42 as never })
    expect(transport.sends[0]?.keys).toEqual([undefined])
    expect(logged).toHaveLength(1)
  })

  test('sendBatch sends an array as one message, or refuses it whole', async () => {
    const { client, transport } = fakeClient(
      { partitionIds: ids },
      { maxBatchSizeInBytes: 100, onSend: (send) => send.accept() },
    )
    await client.sendBatch([{ body: 'a' }, { body: 'b' }], { partitionKey: 'k' })
    expect(transport.sends[0]).toMatchObject({ bodies: ['a', 'b'], keys: ['k', 'k'] })
    const tooMuch = Array.from({ length: 20 }, (_, i) => ({ body: `${i}` }))
    await expect(client.sendBatch(tooMuch)).rejects.toMatchObject({ code: 'event-too-large', outcome: 'refused' })
    expect(transport.sends).toHaveLength(1)
  })

  test('an EventDataBatch goes where it was made for; a target beside it is a TypeError', async () => {
    const { client, transport } = fakeClient({ partitionIds: ids }, { onSend: (send) => send.accept() })
    const batch = await client.createBatch({ partitionId: '3', maxSizeInBytes: 50 })
    expect(batch.tryAdd({ body: 'a' })).toBe(true)
    expect([batch.count, batch.sizeInBytes, batch.maxSizeInBytes]).toEqual([1, 31, 50])
    expect(batch.tryAdd({ body: 'b'.repeat(20) })).toBe(false)
    expect([batch.count, batch.sizeInBytes]).toEqual([1, 31])
    await expect(client.sendBatch(batch, { partitionId: '1' })).rejects.toThrow(TypeError)
    await client.sendBatch(batch)
    expect(transport.sends).toMatchObject([{ partitionId: '3', bodies: ['a'] }])
    await expect(client.createBatch({ maxSizeInBytes: 2_000_000 })).rejects.toThrow(RangeError)
    await expect(fakeClient().client.sendBatch(batch)).rejects.toThrow(/another client/)
  })

  test('timeoutInMs bounds the send, retries included', async () => {
    const { client, transport, clock } = fakeClient({ partitionIds: ids })
    const sent = client.sendEvent({ body: 'a' }, { timeoutInMs: 1500 })
    const outcome = expect(sent).rejects.toMatchObject({ name: 'OperationTimeoutError', outcome: 'unknown' })
    await clock.advance(1500)
    await outcome
    expect(clock.pendingTimers).toBe(0)
    expect(transport.retired).toBe(1)
  })

  test('abortSignal gives the send up', async () => {
    const { client, clock } = fakeClient({ partitionIds: ids })
    const abort = new AbortController()
    const sent = client.sendEvent({ body: 'a' }, { abortSignal: abort.signal })
    const outcome = expect(sent).rejects.toMatchObject({ code: 'aborted', outcome: 'unknown' })
    await settlePromises()
    abort.abort()
    await outcome
    expect(clock.pendingTimers).toBe(0)
  })

  test('counts are undefined and flush has nothing to do', async () => {
    const { client } = fakeClient()
    expect(client.totalBufferedEventCount).toBeUndefined()
    expect(client.getBufferedEventCount('0')).toBeUndefined()
    await client.flush()
  })
})

describe('in buffered mode', () => {
  test('a batch leaves when its oldest event has waited maxWaitTimeInMs, and its callback tells', async () => {
    const { client, transport, clock, calls } = buffered({ maxWaitTimeInMs: 400 }, { onSend: (send) => send.accept() })
    await client.sendEvent({ body: 'a' }, { partitionId: '0' })
    await clock.advance(300)
    await client.sendEvent({ body: 'b' }, { partitionId: '0' })
    await clock.advance(99)
    expect(transport.sends).toHaveLength(0)
    await clock.advance(1)
    expect(calls).toEqual([['accepted', ['a', 'b'], '0']])
  })

  test('a batch leaves when it is full', async () => {
    const { client, transport } = buffered({}, { maxBatchSizeInBytes: 60 })
    for (const body of ['a', 'b', 'c', 'd']) await client.sendEvent({ body }, { partitionId: '0' })
    await settlePromises()
    expect(transport.sends.map((send) => send.bodies)).toEqual([['a', 'b', 'c']])
  })

  test('counts every event until it is accepted or handed to onError', async () => {
    const { client, transport } = buffered()
    await client.sendEvent({ body: 'a' }, { partitionId: '0' })
    await client.sendEvent({ body: 'b' }, { partitionId: '1' })
    expect([client.totalBufferedEventCount, client.getBufferedEventCount('0')]).toEqual([2, 1])
    const flushed = client.flush()
    await settlePromises()
    expect(client.totalBufferedEventCount).toBe(2)
    for (const send of transport.openSends) send.accept()
    await flushed
    expect([client.totalBufferedEventCount, client.getBufferedEventCount('0')]).toEqual([0, 0])
  })

  test('flush that runs out of time says so; the events stay buffered and still arrive', async () => {
    const { client, transport, clock, calls } = buffered()
    await client.sendEvent({ body: 'a' }, { partitionId: '0' })
    const outcome = expect(client.flush({ timeoutInMs: 100 })).rejects.toMatchObject({ name: 'OperationTimeoutError' })
    await clock.advance(100)
    await outcome
    expect(client.totalBufferedEventCount).toBe(1)
    transport.sends[0]?.accept()
    await client.flush()
    expect(calls).toEqual([['accepted', ['a'], '0']])
  })

  test('close drains; what is not accepted in time goes to onError, and later use is refused', async () => {
    const { client, transport, clock, calls } = buffered()
    await client.sendEvent({ body: 'sent' }, { partitionId: '0' })
    const closed = client.close({ timeoutInMs: 100 })
    const outcome = expect(closed).rejects.toMatchObject({ name: 'OperationTimeoutError' })
    await clock.advance(100)
    await outcome
    expect(calls).toEqual([['unknown', ['sent'], '0', 'client-closed']])
    expect(transport.isClosed).toBe(true)
    expect(clock.pendingTimers).toBe(0)
    await expect(client.sendEvent({ body: 'late' })).rejects.toMatchObject({ code: 'client-closed' })
    await expect(client.flush()).rejects.toMatchObject({ code: 'client-closed' })
  })

  test('close without flush hands everything unsent to onError as returned', async () => {
    const { client, transport, calls } = buffered()
    await client.sendEvent({ body: 'a' }, { partitionId: '0' })
    await client.close({ flush: false })
    expect(transport.sends).toHaveLength(0)
    expect(calls).toEqual([['returned', ['a'], '0', 'client-closed']])
  })

  test('a callback that throws, now or later, is logged and changes nothing', async () => {
    const { client, logged } = buffered(
      {
        onSuccess: () => {
          throw new Error('sync')
        },
        onError: async () => {
          throw new Error('async')
        },
      },
      { onSend: (send) => (send.bodies.includes('bad') ? send.fail(gone) : send.accept()) },
    )
    await client.sendEvent({ body: 'good' }, { partitionId: '0' })
    await client.sendEvent({ body: 'bad' }, { partitionId: '1' })
    await client.flush()
    await settlePromises()
    expect(logged.filter((line) => line.includes('callback failed'))).toHaveLength(2)
    expect(client.totalBufferedEventCount).toBe(0)
    await client.close()
  })

  test('a callback may call sendEvent, flush and close without a deadlock', async () => {
    const steps: string[] = []
    const { client } = buffered(
      {
        onSuccess: async (events: EventInput[]) => {
          steps.push(String(events[0]?.body))
          if (steps.length === 1) {
            await client.sendEvent({ body: 'from callback' }, { partitionId: '0' })
            await client.flush()
            await client.close()
            steps.push('closed')
          }
        },
      },
      { onSend: (send) => send.accept() },
    )
    await client.sendEvent({ body: 'first' }, { partitionId: '0' })
    await client.flush()
    for (let i = 0; i < 5; i++) await settlePromises()
    expect(steps).toEqual(['first', 'from callback', 'closed'])
  })

  test('a given batch waits for room as a whole, as long as it is told to', async () => {
    const { client, transport, clock } = buffered({ maxBufferLength: 3 })
    const batchOf = async (...bodies: string[]) => {
      const batch = await client.createBatch({ partitionId: '0' })
      for (const body of bodies) batch.tryAdd({ body })
      return batch
    }
    await client.sendBatch(await batchOf('a', 'b'))
    const waiting = client.sendBatch(await batchOf('c', 'd'), { timeoutInMs: 100 })
    const outcome = expect(waiting).rejects.toMatchObject({ name: 'OperationTimeoutError' })
    await clock.advance(100)
    await outcome
    expect(client.totalBufferedEventCount).toBe(2)
    const second = client.sendBatch(await batchOf('e', 'f'))
    transport.sends[0]?.accept()
    await second
    await settlePromises()
    expect(transport.sends.map((send) => send.bodies)).toEqual([
      ['a', 'b'],
      ['e', 'f'],
    ])
  })

  test('a logger that throws takes nothing down with it', async () => {
    const { client } = buffered(
      {
        onSuccess: () => {
          throw new Error('callback')
        },
        logger: {
          error: () => {
            throw new Error('logger')
          },
        },
      },
      { onSend: (send) => send.accept() },
    )
    await client.sendEvent({ body: 'a' }, { partitionId: '0' })
    await client.flush()
    expect(client.totalBufferedEventCount).toBe(0)
  })

  test('unkeyed events stick to one partition until its batch is sealed, then move on', async () => {
    const { client, transport } = buffered({}, { onSend: (send) => send.accept() })
    for (let round = 0; round < 5; round++) {
      await client.sendEvent({ body: 'a' })
      await client.sendEvent({ body: 'b' })
      await client.flush()
    }
    expect(transport.sends.map((send) => send.partitionId)).toEqual(['2', '3', '0', '1', '2'])
  })

  test('with keyedRouting service, a batch holds one key and goes to the event hub', async () => {
    const { client, transport } = buffered({ keyedRouting: 'service' }, { onSend: (send) => send.accept() })
    for (const key of ['a', 'b', 'a']) await client.sendEvent({ body: key }, { partitionKey: key })
    await client.flush()
    expect(transport.sends.map((send) => [send.partitionId, send.bodies])).toEqual([
      [undefined, ['a', 'a']],
      [undefined, ['b']],
    ])
  })

  test('keeps the order within a partition, one batch at a time', async () => {
    const { client, transport, clock } = buffered({ maxWaitTimeInMs: 10 })
    await client.sendEvent({ body: '1' }, { partitionId: '0' })
    await clock.advance(10)
    await client.sendEvent({ body: '2' }, { partitionId: '0' })
    await clock.advance(10)
    expect(transport.sends.map((send) => send.bodies)).toEqual([['1']])
    transport.sends[0]?.accept()
    await settlePromises()
    expect(transport.sends.map((send) => send.bodies)).toEqual([['1'], ['2']])
  })

  test('100,000 unawaited events against a stalled wire hold the limits, and every one settles', async () => {
    const { client } = buffered({ maxBufferLength: 100 })
    let taken = 0
    let refused = 0
    const calls: Promise<void>[] = []
    for (let i = 0; i < 100_000; i++) {
      calls.push(
        client.sendEvent({ body: 'x' }, { partitionKey: `${i % 97}` }).then(
          () => {
            taken++
          },
          () => {
            refused++
          },
        ),
      )
    }
    await settlePromises()
    expect(taken).toBe(400)
    for (const id of ids) expect(client.getBufferedEventCount(id)).toBe(100)
    await client.close({ flush: false })
    await Promise.all(calls)
    expect([taken, refused]).toEqual([400, 99_600])
  })

  test.each([
    ['a key, whose partition is known only later', 1, { partitionIds: undefined }],
    ['keys that the service routes', 5, { keyedRouting: 'service' }],
  ])('while the room for events of %s stays full, batches do not get small', async (_what, keyCount, options) => {
    const count = 2000
    const { client, transport } = buffered(
      { maxBufferLength: 100, ...options },
      { onSend: (send) => setImmediate(send.accept) },
    )
    transport.propertiesGate = new Promise((resolve) => setImmediate(resolve))
    for (let i = 0; i < count; i++) await client.sendEvent({ body: `${i}` }, { partitionKey: `key ${i % keyCount}` })
    await client.flush()
    const sizes = transport.sends.map(({ bodies }) => bodies.length)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(count)
    expect(count / sizes.length).toBeGreaterThan(100 / keyCount / 4)
  })
})

describe('closing', () => {
  test('waits for sends under way, and for what invocations have taken', async () => {
    const { client, transport } = fakeClient({ partitionIds: ids })
    const direct = client.sendEvent({ body: 'direct' })
    const invocation = client.beginInvocation()
    void invocation.sendEvent({ body: 'mine' })
    const closed = client.close()
    await settlePromises()
    expect(transport.isClosed).toBe(false)
    for (const send of transport.openSends) send.accept()
    await Promise.all([direct, closed])
    expect((await invocation.end()).accepted).toBe(1)
    expect(transport.isClosed).toBe(true)
  })

  test('a wrong option closes nothing; the client can still be closed', async () => {
    const { client, transport } = fakeClient({ partitionIds: ids })
    await expect(client.close({ timeoutInMs: -1 })).rejects.toThrow(RangeError)
    await expect(client.close({ timeOut: 1 } as never)).rejects.toThrow(/timeOut/)
    expect(transport.isClosed).toBe(false)
    await client.close()
    expect(transport.isClosed).toBe(true)
  })

  test('ends a request for properties that waits to be retried', async () => {
    const { client, transport, clock } = fakeClient()
    transport.propertiesError = new EventHubError('busy', { code: 'service-error', retryable: true })
    const outcome = expect(client.getPartitionIds()).rejects.toMatchObject({ code: 'client-closed' })
    await settlePromises()
    await client.close()
    await outcome
    expect(clock.pendingTimers).toBe(0)
    await clock.advance(60_000)
    expect(transport.propertyReads).toBe(1)
  })

  test('is not held up by a transport that ignores aborts', async () => {
    const { client, clock } = fakeClient({ partitionIds: ids }, { ignoresLimits: true })
    client.sendEvent({ body: 'a' }).catch(() => {})
    const closed = client.close({ flush: false })
    await clock.advance(2000)
    await closed
  })

  test('works by await using, and twice', async () => {
    const { client, transport } = fakeClient({ partitionIds: ids }, { onSend: (send) => send.accept() })
    {
      await using scoped = client
      await scoped.sendEvent({ body: 'a' })
    }
    expect(transport.isClosed).toBe(true)
    await client.close()
  })
})

describe('properties', () => {
  test('come from the service, and transient failures are retried', async () => {
    const { client, transport, clock } = fakeClient()
    expect(await client.getPartitionIds()).toEqual(ids)
    transport.propertiesError = new EventHubError('busy', { code: 'service-error', retryable: true })
    const outcome = expect(client.getEventHubProperties()).rejects.toMatchObject({ code: 'service-error' })
    await clock.advance(60_000)
    await outcome
    expect(transport.propertyReads).toBe(5)
  })

  test('warmUp never rejects', async () => {
    const { client, transport, clock } = fakeClient()
    transport.propertiesError = gone
    const warm = client.warmUp()
    await clock.advance(60_000)
    await warm
  })
})
