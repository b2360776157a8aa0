import { describe, expect, test } from 'vitest'
import { EventHubError } from '../../../core/errors.js'
import { fakeClient } from '../../support/fake-client.js'
import { settlePromises } from '../../support/virtual-clock.js'

const ids = ['0', '1', '2', '3']
const busy = new EventHubError('busy', { code: 'service-error', retryable: true, outcome: 'refused' })
const gone = new EventHubError('gone', { code: 'entity-not-found', outcome: 'refused' })
const lost = new EventHubError('lost', { code: 'connection-lost', retryable: true, outcome: 'unknown' })

describe('an invocation', () => {
  test('takes an event at the call, awaited or not, and flush sends it without waiting for the batch to age', async () => {
    const { client, transport } = fakeClient({ partitionIds: ids })
    const invocation = client.beginInvocation()
    void invocation.sendEvent({ body: 'a' }, { partitionKey: 'k' })
    const flushed = invocation.flush()
    await settlePromises()
    expect(transport.sends).toHaveLength(1)
    transport.sends[0]?.accept()
    expect(await flushed).toEqual({ accepted: 1, failures: [], durationInMs: 0 })
  })

  test('resolves sendEvent without waiting for the network', async () => {
    const { client, transport } = fakeClient({ partitionIds: ids })
    await client.beginInvocation().sendEvent({ body: 'a' })
    expect(transport.sends).toHaveLength(0)
  })

  test('numbers events in call order, arrays one by one, and reports failures by ascending index', async () => {
    const { client } = fakeClient(
      { partitionIds: ids, retryOptions: { maxRetries: 0 } },
      { onSend: (send) => (send.bodies.includes('bad') ? send.fail(gone) : send.accept()) },
    )
    const invocation = client.beginInvocation()
    await invocation.sendEvent({ body: 'good' }, { partitionId: '0' })
    await invocation.sendBatch([{ body: 'good' }, { body: 'good' }], { partitionId: '1' })
    await invocation.sendEvent({ body: 'bad' }, { partitionId: '3' })
    await expect(invocation.sendEvent({ body: 'x'.repeat(2_000_000) })).rejects.toMatchObject({
      code: 'event-too-large',
    })
    await invocation.sendEvent({ body: 'bad' }, { partitionId: '2' })
    const report = await invocation.end()
    expect(report.accepted).toBe(3)
    expect(report.failures.map(({ index, outcome, partitionId }) => [index, outcome, partitionId])).toEqual([
      [3, 'refused', '3'],
      [4, 'refused', undefined],
      [5, 'refused', '2'],
    ])
  })

  test('reports in each flush what settled since the flush before', async () => {
    const { client } = fakeClient({ partitionIds: ids }, { onSend: (send) => send.accept() })
    const invocation = client.beginInvocation()
    await invocation.sendEvent({ body: 'a' })
    expect((await invocation.flush()).accepted).toBe(1)
    await invocation.sendEvent({ body: 'b' })
    await invocation.sendEvent({ body: 'c' })
    expect((await invocation.flush()).accepted).toBe(2)
    expect((await invocation.end()).accepted).toBe(0)
  })

  test('rejects sends after end, says so in the log, and never in an unhandled rejection', async () => {
    const { client, logged } = fakeClient({ partitionIds: ids })
    const invocation = client.beginInvocation()
    await invocation.end()
    void invocation.sendEvent({ body: 'late' })
    await expect(invocation.sendEvent({ body: 'late' })).rejects.toMatchObject({ code: 'invocation-ended' })
    expect(logged).toHaveLength(2)
    expect(invocation.signal.aborted).toBe(true)
  })

  test.each([
    ['before the end', true],
    ['after the end', false],
  ])('its signal, asked for %s, is aborted once and says why it ended', async (_, isAskedBefore) => {
    const { client, clock } = fakeClient({ partitionIds: ids }, { onSend: (send) => send.accept() })
    const ended = client.beginInvocation()
    const expired = client.beginInvocation({ timeoutInMs: 1000, reserveInMs: 0 })
    const aborts: string[] = []
    if (isAskedBefore) {
      for (const { signal } of [ended, expired]) signal.addEventListener('abort', () => aborts.push(signal.reason.code))
      expect([ended, expired].map(({ signal }) => signal.aborted)).toEqual([false, false])
    }
    await ended.end()
    await clock.advance(1000)
    await expired.end()
    expect([ended, expired].map(({ signal }) => signal.aborted)).toEqual([true, true])
    expect([ended, expired].map(({ signal }) => signal.reason.code)).toEqual(['invocation-ended', 'timeout'])
    expect(ended.signal).toBe(ended.signal)
    expect(aborts).toEqual(isAskedBefore ? ['invocation-ended', 'timeout'] : [])
  })

  test('ends by its deadline with a stalled service: sent events are unknown, the others returned', async () => {
    const { client, transport, clock } = fakeClient({ partitionIds: ids })
    const invocation = client.beginInvocation({ timeoutInMs: 5000, reserveInMs: 500 })
    void invocation.sendEvent({ body: 'first' }, { partitionId: '0' })
    const early = invocation.flush()
    await settlePromises()
    void invocation.sendEvent({ body: 'second' }, { partitionId: '0' })
    const ended = invocation.end()
    await clock.advance(4499)
    expect(transport.sends).toHaveLength(1)
    await clock.advance(1)
    await early
    const report = await ended
    const failures = [...(await early).failures, ...report.failures]
    expect(failures.map(({ index, outcome, error }) => [index, outcome, error.code])).toEqual([
      [0, 'unknown', 'timeout'],
      [1, 'returned', 'timeout'],
    ])
    expect(clock.pendingTimers).toBe(0)
    expect(transport.sends).toHaveLength(1)
    expect(transport.retired).toBeGreaterThan(0)
  })

  test('settles by its deadline even over a transport that ignores deadlines and aborts', async () => {
    const { client, clock } = fakeClient({ partitionIds: ids }, { ignoresLimits: true })
    const invocation = client.beginInvocation({ timeoutInMs: 1000, reserveInMs: 0 })
    void invocation.sendEvent({ body: 'a' })
    const ended = invocation.end()
    await clock.advance(1000)
    expect((await ended).failures.map((failure) => failure.outcome)).toEqual(['unknown'])
    expect(clock.pendingTimers).toBe(0)
  })

  test('leaves no timer behind and sends nothing after it has ended', async () => {
    const { client, transport, clock } = fakeClient({ partitionIds: ids }, { onSend: (send) => send.accept() })
    const invocation = client.beginInvocation()
    for (let i = 0; i < 20; i++) void invocation.sendEvent({ body: `${i}` }, { partitionKey: `${i}` })
    await invocation.end()
    const sends = transport.sends.length
    expect(clock.pendingTimers).toBe(0)
    await clock.advance(600_000)
    expect(transport.sends).toHaveLength(sends)
  })

  test('gives everything up when its abortSignal aborts', async () => {
    const { client, transport } = fakeClient({ partitionIds: ids })
    const abort = new AbortController()
    const invocation = client.beginInvocation({ abortSignal: abort.signal })
    void invocation.sendEvent({ body: 'sent' }, { partitionId: '0' })
    const flushed = invocation.flush()
    await settlePromises()
    void invocation.sendEvent({ body: 'not sent' }, { partitionId: '0' })
    abort.abort(new Error('client went away'))
    const failures = [...(await flushed).failures, ...(await invocation.end()).failures]
    expect(failures.map(({ outcome, error }) => [outcome, error.code])).toEqual([
      ['unknown', 'aborted'],
      ['returned', 'aborted'],
    ])
    expect(transport.sends).toHaveLength(1)
  })

  test('resends a retryable failure within the deadline, the same bytes, and reports it accepted', async () => {
    const { client, transport, clock } = fakeClient(
      { partitionIds: ids },
      { onSend: (send, attempt) => (attempt < 3 ? send.fail(busy) : send.accept()) },
    )
    const invocation = client.beginInvocation()
    void invocation.sendEvent({ body: 'a' }, { partitionId: '0' })
    const ended = invocation.end()
    await clock.advance(10_000)
    expect((await ended).accepted).toBe(1)
    expect(transport.sends.map((send) => send.bodies)).toEqual([['a'], ['a'], ['a']])
  })

  test('stays unknown once one attempt was, whatever a later one says', async () => {
    const { client, clock } = fakeClient(
      { partitionIds: ids },
      { onSend: (send, attempt) => send.fail(attempt === 1 ? lost : gone) },
    )
    const invocation = client.beginInvocation()
    void invocation.sendEvent({ body: 'a' })
    const ended = invocation.end()
    await clock.advance(10_000)
    expect((await ended).failures.map(({ outcome, error }) => [outcome, error.code])).toEqual([
      ['unknown', 'entity-not-found'],
    ])
  })

  test('never retries past its deadline', async () => {
    const { client, transport, clock } = fakeClient({ partitionIds: ids }, { onSend: (send) => send.fail(busy) })
    const invocation = client.beginInvocation({ timeoutInMs: 1000, reserveInMs: 0 })
    void invocation.sendEvent({ body: 'a' })
    const ended = invocation.end()
    await clock.advance(999)
    // 800 ms after the first attempt comes the second; 1600 ms after that would be too late.
    expect(transport.sends).toHaveLength(2)
    expect((await ended).failures).toHaveLength(1)
  })

  test('shares the client with others but never a batch: one bad event does not fail its neighbour', async () => {
    const { client, transport } = fakeClient(
      { partitionIds: ids },
      { onSend: (send) => (send.bodies.includes('bad') ? send.fail(gone) : send.accept()) },
    )
    const good = client.beginInvocation()
    const bad = client.beginInvocation()
    void good.sendEvent({ body: 'good' }, { partitionId: '0' })
    void bad.sendEvent({ body: 'bad' }, { partitionId: '0' })
    const [first, second] = await Promise.all([good.end(), bad.end()])
    expect(first).toMatchObject({ accepted: 1, failures: [] })
    expect(second.failures).toHaveLength(1)
    expect(transport.sends).toHaveLength(2)
  })

  test('works in buffered mode, too, and fires no callback', async () => {
    const calls: string[] = []
    const { client } = fakeClient(
      {
        partitionIds: ids,
        bufferedMode: true,
        onSuccess: () => calls.push('success'),
        onError: () => calls.push('error'),
      },
      { onSend: (send) => send.accept() },
    )
    const invocation = client.beginInvocation()
    void invocation.sendEvent({ body: 'a' })
    expect((await invocation.end()).accepted).toBe(1)
    expect(calls).toEqual([])
    expect(client.totalBufferedEventCount).toBe(0)
  })

  test('keeps an EventDataBatch whole, between what was sent before and after it', async () => {
    const { client, transport } = fakeClient({ partitionIds: ids }, { onSend: (send) => send.accept() })
    const batch = await client.createBatch({ partitionId: '0' })
    batch.tryAdd({ body: 'b1' })
    batch.tryAdd({ body: 'b2' })
    const invocation = client.beginInvocation()
    void invocation.sendEvent({ body: 'a' }, { partitionId: '0' })
    await invocation.sendBatch(batch)
    void invocation.sendEvent({ body: 'c' }, { partitionId: '0' })
    expect((await invocation.end()).accepted).toBe(4)
    expect(transport.sends.map((send) => send.bodies)).toEqual([['a'], ['b1', 'b2'], ['c']])
  })

  test('records what is no batch, and what an aborted signal holds back', async () => {
    const { client } = fakeClient({ partitionIds: ids })
    const foreign = await fakeClient().client.createBatch()
    foreign.tryAdd({ body: 'a' })
    const invocation = client.beginInvocation()
    void invocation.sendBatch({ body: 1 } as never)
    void invocation.sendBatch(foreign)
    void invocation.sendEvent({ body: 'a' }, { abortSignal: AbortSignal.abort() })
    const { accepted, failures } = await invocation.end()
    expect(accepted).toBe(0)
    // Both clients of this test share a codec type but not a codec.
    expect(failures.map(({ error }) => error.code)).toEqual(['argument-error', 'argument-error', 'aborted'])
  })

  test('records what sendEvent rejects, so that an unawaited mistake is not lost', async () => {
    const { client } = fakeClient({ partitionIds: ids })
    const invocation = client.beginInvocation()
    void invocation.sendEvent('not an event' as never)
    void invocation.sendEvent({ body: 'a' }, { partitionID: '0' } as never)
    void invocation.sendEvent({ body: 'a' }, { partitionId: '9' })
    const { failures } = await invocation.end()
    expect(failures.map(({ index, outcome, error }) => [index, outcome, error.code])).toEqual([
      [0, 'refused', 'argument-error'],
      [1, 'refused', 'argument-error'],
      [2, 'refused', 'argument-error'],
    ])
    expect(failures[2]?.error.message).toContain('It has: 0, 1, 2, 3')
  })
})

describe("with afterFailure: 'stop'", () => {
  test('later events of a failed key are returned, other keys go on', async () => {
    const { client, transport } = fakeClient(
      { partitionIds: ['0'], retryOptions: { maxRetries: 0 }, maxConcurrentSendsPerPartition: 8 },
      { onSend: (send) => (send.bodies.includes('bad') ? send.fail(gone) : send.accept()) },
    )
    const invocation = client.beginInvocation({ afterFailure: 'stop' })
    const send = (body: string, partitionKey: string) => invocation.sendEvent({ body }, { partitionKey })
    void send('solo a1', 'a')
    void send('bad', 'a')
    void invocation.flush()
    void send('a3', 'a')
    void send('b1', 'b')
    await settlePromises()
    const report = await invocation.end()
    await settlePromises()
    expect(transport.sends.map((each) => each.bodies)).toEqual([['solo a1'], ['bad'], ['b1']])
    expect(report.failures.map(({ index, outcome, error }) => [index, outcome, error.code])).toContainEqual([
      2,
      'returned',
      'predecessor-failed',
    ])
  })

  test('an event that is refused when taken leaves those before it alone', async () => {
    const { client, transport } = fakeClient({ partitionIds: ids }, { onSend: (send) => send.accept() })
    const invocation = client.beginInvocation({ afterFailure: 'stop' })
    void invocation.sendEvent({ body: 'before' }, { partitionKey: 'a' })
    void invocation.sendEvent({ body: 'x'.repeat(2_000_000) }, { partitionKey: 'a' })
    void invocation.sendEvent({ body: 'after' }, { partitionKey: 'a' })
    const report = await invocation.end()
    expect(report.failures.map(({ index, outcome }) => [index, outcome])).toEqual([
      [1, 'refused'],
      [2, 'returned'],
    ])
    expect(transport.sends.flatMap((send) => send.bodies)).toEqual(['before'])
  })

  test('any number of batches can be held back at once', async () => {
    const { client } = fakeClient(
      { partitionIds: ['0'], maxBufferLength: 20_000, retryOptions: { maxRetries: 0 } },
      { onSend: (send) => send.fail(gone) },
    )
    const invocation = client.beginInvocation({ afterFailure: 'stop' })
    for (let i = 0; i < 10_000; i++) void invocation.sendEvent({ body: 'solo' }, { partitionId: '0' })
    expect((await invocation.end()).failures).toHaveLength(10_000)
  })

  test('an event that is refused when taken stops its key as well', async () => {
    const { client, transport } = fakeClient({ partitionIds: ids }, { onSend: (send) => send.accept() })
    const invocation = client.beginInvocation({ afterFailure: 'stop' })
    void invocation.sendEvent({ body: 'x'.repeat(2_000_000) }, { partitionKey: 'a' })
    void invocation.sendEvent({ body: 'after' }, { partitionKey: 'a' })
    void invocation.sendEvent({ body: 'other' }, { partitionKey: 'b' })
    const report = await invocation.end()
    expect(report.failures.map(({ index, outcome }) => [index, outcome])).toEqual([
      [0, 'refused'],
      [1, 'returned'],
    ])
    expect(transport.sends.flatMap((send) => send.bodies)).toEqual(['other'])
  })
})

describe('on a cold start', () => {
  test('an unkeyed event goes where the service puts it, without asking for partition ids', async () => {
    const { client, transport } = fakeClient({}, { onSend: (send) => send.accept() })
    const invocation = client.beginInvocation()
    void invocation.sendEvent({ body: 'a' })
    expect((await invocation.end()).accepted).toBe(1)
    expect(transport.sends[0]?.partitionId).toBeUndefined()
    expect(transport.propertyReads).toBe(0)
  })

  test('keyed events wait for the partition ids, in order, and flush waits for them', async () => {
    const { client, transport } = fakeClient({}, { onSend: (send) => send.accept() })
    let open = () => {}
    transport.propertiesGate = new Promise((resolve) => {
      open = resolve
    })
    const invocation = client.beginInvocation()
    for (const body of ['1', '2', '3']) void invocation.sendEvent({ body }, { partitionKey: 'k' })
    const ended = invocation.end()
    await settlePromises()
    expect(transport.sends).toHaveLength(0)
    open()
    expect((await ended).accepted).toBe(3)
    expect(transport.sends.map((send) => send.bodies)).toEqual([['1', '2', '3']])
    expect(transport.propertyReads).toBe(1)
  })

  test('ids that someone else has asked for let nothing overtake what still waits for them', async () => {
    const { client, transport } = fakeClient({}, { onSend: (send) => send.accept() })
    let openFirst = () => {}
    transport.propertiesGate = new Promise((resolve) => {
      openFirst = resolve
    })
    const slow = client.beginInvocation()
    void slow.sendEvent({ body: '1' }, { partitionKey: 'k' })
    await settlePromises()
    transport.propertiesGate = undefined
    await client.warmUp()
    void slow.sendEvent({ body: '2' }, { partitionKey: 'k' })
    const ended = slow.end()
    await settlePromises()
    openFirst()
    expect((await ended).accepted).toBe(2)
    expect(transport.sends.flatMap((send) => send.bodies)).toEqual(['1', '2'])
  })

  test('more events than fit the buffer keep their order within a key', async () => {
    const { client, transport } = fakeClient({ maxBufferLength: 20 }, { onSend: (send) => send.accept() })
    const invocation = client.beginInvocation()
    for (let i = 0; i < 300; i++) void invocation.sendEvent({ body: `${i}` }, { partitionKey: `k${i % 7}` })
    expect((await invocation.end()).accepted).toBe(300)
    const last = new Map<string | undefined, number>()
    for (const { bodies, keys } of transport.sends) {
      for (const [i, body] of bodies.entries()) {
        expect(Number(body)).toBeGreaterThan(last.get(keys[i]) ?? -1)
        last.set(keys[i], Number(body))
      }
    }
  })

  test('more events than fit the buffer all get their turn once the ids are there', async () => {
    const { client, transport } = fakeClient({ maxBufferLength: 10 }, { onSend: (send) => send.accept() })
    let open = () => {}
    transport.propertiesGate = new Promise((resolve) => {
      open = resolve
    })
    const invocation = client.beginInvocation()
    for (let i = 0; i < 100; i++) void invocation.sendEvent({ body: `${i}` }, { partitionKey: `${i % 7}` })
    const ended = invocation.end()
    await settlePromises()
    open()
    expect((await ended).accepted).toBe(100)
  })

  test('an event hub described without partitions returns the events instead of keeping them', async () => {
    const { client } = fakeClient({}, { partitionIds: [] })
    const invocation = client.beginInvocation()
    void invocation.sendEvent({ body: 'a' }, { partitionKey: 'k' })
    expect((await invocation.end()).failures.map(({ outcome, error }) => [outcome, error.code])).toEqual([
      ['returned', 'protocol-error'],
    ])
  })

  test('events are returned when the partition ids cannot be had', async () => {
    const { client, transport, clock } = fakeClient()
    transport.propertiesError = gone
    const invocation = client.beginInvocation()
    void invocation.sendEvent({ body: 'a' }, { partitionKey: 'k' })
    const ended = invocation.end()
    await clock.advance(30_000)
    expect((await ended).failures.map(({ outcome, error }) => [outcome, error.code])).toEqual([
      ['returned', 'entity-not-found'],
    ])
  })
})

describe('limits', () => {
  test('sendEvent waits for room, in order, and the waiting events are sent as room appears', async () => {
    const { client, transport } = fakeClient({ partitionIds: ['0'], maxBufferLength: 2 })
    const invocation = client.beginInvocation()
    const states = ['1', '2', '3', '4', '5'].map((body) => {
      const state = { isTaken: false }
      void invocation.sendEvent({ body }).then(() => {
        state.isTaken = true
      })
      return state
    })
    await settlePromises()
    // A waiting event makes the half-full batch leave at once.
    expect(states.map((state) => state.isTaken)).toEqual([true, true, false, false, false])
    expect(transport.sends.map((send) => send.bodies)).toEqual([['1', '2']])
    transport.sends[0]?.accept()
    await settlePromises()
    expect(transport.sends[1]?.bodies).toEqual(['3', '4'])
    transport.sends[1]?.accept()
    const ended = invocation.end()
    await settlePromises()
    transport.sends[2]?.accept()
    expect((await ended).accepted).toBe(5)
  })

  test('room that appears while an event is about to wait for it is taken at once', async () => {
    const { client, transport } = fakeClient({
      partitionIds: ['0'],
      maxBufferLength: 2,
      retryOptions: { maxRetries: 0 },
    })
    const stopped = client.beginInvocation({ afterFailure: 'stop' })
    void stopped.sendEvent({ body: 'bad' }, { partitionId: '0' })
    void stopped.flush()
    await settlePromises()
    transport.sends[0]?.fail(gone)
    await settlePromises()
    // Held back in an open batch: sealing it, to make room, returns it in the same instant.
    void stopped.sendEvent({ body: 'held back' }, { partitionId: '0' })
    void stopped.sendEvent({ body: 'held back, too' }, { partitionId: '0' })
    const other = client.beginInvocation()
    await other.sendEvent({ body: 'a' }, { partitionId: '0' })
    const ended = other.end()
    await settlePromises()
    transport.sends[1]?.accept()
    expect((await ended).accepted).toBe(1)
    expect((await stopped.end()).failures).toHaveLength(2)
  })

  test('an event that finds no room in time rejects, and stands in the report as returned', async () => {
    const { client, clock, transport } = fakeClient({ partitionIds: ['0'], maxBufferLength: 1 })
    const invocation = client.beginInvocation()
    void invocation.sendEvent({ body: 'a' })
    const waiting = invocation.sendEvent({ body: 'b' }, { timeoutInMs: 200 })
    await clock.advance(200)
    await expect(waiting).rejects.toMatchObject({ name: 'OperationTimeoutError', outcome: 'returned' })
    transport.sends[0]?.accept()
    const report = await invocation.end()
    expect(report).toMatchObject({ accepted: 1, failures: [{ index: 1, outcome: 'returned' }] })
  })

  test('bytes are bounded over all partitions, and a lone event larger than the bound still gets through', async () => {
    const { client, transport } = fakeClient(
      { partitionIds: ids, maxBufferSizeInBytes: 100 },
      { onSend: (send) => send.accept() },
    )
    const invocation = client.beginInvocation()
    await invocation.sendEvent({ body: 'x'.repeat(500) }, { partitionId: '0' })
    const second = invocation.sendEvent({ body: 'y'.repeat(80) }, { partitionId: '1' })
    await second
    expect((await invocation.end()).accepted).toBe(2)
    expect(transport.sends).toHaveLength(2)
  })

  test('no more than maxConcurrentSends are under way over all partitions', async () => {
    const { client, transport } = fakeClient({ partitionIds: ids, maxConcurrentSends: 2 })
    const invocation = client.beginInvocation()
    for (const partitionId of ids) void invocation.sendEvent({ body: partitionId }, { partitionId })
    const ended = invocation.end()
    await settlePromises()
    expect(transport.openSends).toHaveLength(2)
    while (transport.openSends.length > 0) {
      transport.openSends[0]?.accept()
      await settlePromises()
      expect(transport.openSends.length).toBeLessThanOrEqual(2)
    }
    expect((await ended).accepted).toBe(4)
  })

  test('a batch that is refused as too large, no limit said, goes again by halves until it fits', async () => {
    const tooLarge = new EventHubError('too large', { code: 'event-too-large', outcome: 'refused' })
    const { client, transport } = fakeClient(
      { partitionIds: ['0'], retryOptions: { maxRetries: 0 } },
      { onSend: (send) => (send.bodies.length > 3 ? send.fail(tooLarge) : send.accept()) },
    )
    const invocation = client.beginInvocation()
    for (let i = 0; i < 16; i++) void invocation.sendEvent({ body: `${i}`.padStart(50, '-') })
    expect((await invocation.end()).accepted).toBe(16)
    const accepted = transport.sends.filter((send) => send.bodies.length <= 3).flatMap((send) => send.bodies)
    expect(accepted.map((body) => Number(body.replace(/^-+/, '')))).toEqual(Array.from({ length: 16 }, (_, i) => i))
  })

  test('whoever waits for many bytes is not starved by those who need few', async () => {
    const { client, transport } = fakeClient({ partitionIds: ids, maxBufferSizeInBytes: 1000, maxConcurrentSends: 1 })
    const invocation = client.beginInvocation()
    void invocation.sendEvent({ body: 'a'.repeat(500) }, { partitionId: '0' })
    const large = { isTaken: false }
    void invocation.sendEvent({ body: 'b'.repeat(800) }, { partitionId: '1' }).then(() => {
      large.isTaken = true
    })
    for (let i = 0; i < 50; i++) void invocation.sendEvent({ body: `${i}` }, { partitionId: '2' })
    const ended = invocation.end()
    await settlePromises()
    transport.openSends[0]?.accept()
    await settlePromises()
    expect(large.isTaken).toBe(true)
    for (let i = 0; i < 60 && transport.openSends.length > 0; i++) {
      transport.openSends[0]?.accept()
      await settlePromises()
    }
    expect((await ended).accepted).toBe(52)
  })

  test('a batch that the service finds too large goes again in smaller ones, in order', async () => {
    const { client, transport } = fakeClient({ partitionIds: ['0'] }, { maxBatchSizeInBytes: 1000 })
    const tooLarge = new EventHubError('too large', { code: 'event-too-large', outcome: 'refused' })
    const invocation = client.beginInvocation()
    for (let i = 0; i < 6; i++) void invocation.sendEvent({ body: `${i}`.repeat(90) })
    const ended = invocation.end()
    await settlePromises()
    transport.batchLimit = 250
    transport.sends[0]?.fail(tooLarge)
    for (let i = 1; i <= 3; i++) {
      await settlePromises()
      transport.sends[i]?.accept()
    }
    expect((await ended).accepted).toBe(6)
    expect(transport.sends.slice(1).map((send) => send.bodies.map((body) => body[0]))).toEqual([
      ['0', '1'],
      ['2', '3'],
      ['4', '5'],
    ])
  })
})
