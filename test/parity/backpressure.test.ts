import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Clock } from '../../core/clock.js'
import {
  type EventHubError,
  EventHubProducerClient,
  type EventHubProducerClientOptions,
  type FlushReport,
  type TransportType,
} from '../../core/index.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'
import { fakeClient } from '../support/fake-client.js'
import { settlePromises } from '../support/virtual-clock.js'

const ids = ['0', '1', '2', '3']
const count = 100_000

/** What became of many calls: how many resolved, and how many rejected with which code. */
function tally() {
  const seen: Record<string, number> = {}
  const add = (what: string) => {
    seen[what] = (seen[what] ?? 0) + 1
  }
  const calls: Promise<void>[] = []
  return {
    seen,
    add: (call: Promise<void>) => {
      calls.push(
        call.then(
          () => add('taken'),
          (error: EventHubError) => add(error.code),
        ),
      )
    },
    all: () => Promise.all(calls),
  }
}

/** Virtual time for very many timers: all that are due run together. */
class BulkClock implements Clock {
  #now = 1000
  readonly #timers = new Map<() => void, { readonly at: number; readonly callback: () => void }>()

  monotonicNow(): number {
    return this.#now
  }

  wallNow(): number {
    return this.#now
  }

  schedule(delayInMs: number, callback: () => void): () => void {
    const cancel = () => this.#timers.delete(cancel)
    this.#timers.set(cancel, { at: this.#now + delayInMs, callback })
    return cancel
  }

  get pendingTimers(): number {
    return this.#timers.size
  }

  async advance(ms: number): Promise<void> {
    this.#now += ms
    for (const [cancel, { at, callback }] of [...this.#timers]) {
      // An earlier one may have cancelled it.
      if (at <= this.#now && this.#timers.delete(cancel)) callback()
    }
    await settlePromises()
  }
}

/** Each event costs its 90 bytes and 10 more: the fake wire says so. */
const event = { body: 'x'.repeat(90) }

describe('100,000 calls that nobody awaits, against a wire that has stalled', () => {
  const limits = [
    ['maxBufferLength', { maxBufferLength: 100 }, 400],
    ['maxBufferSizeInBytes', { maxBufferSizeInBytes: 25_000 }, 250],
  ] as const

  test.each(limits)(
    'in buffered mode hold %s; the rest wait, time out or abort, and each settles',
    async (_, options, room) => {
      let accepted = 0
      const clock = new BulkClock()
      const { client, transport } = fakeClient(
        {
          ...options,
          clock,
          partitionIds: ids,
          bufferedMode: true,
          maxWaitTimeInMs: 0,
          onSuccess: (events) => {
            accepted += events.length
          },
          onError: () => {
            throw new Error('Nothing was to fail.')
          },
        },
        { ignoresLimits: true },
      )
      const abort = new AbortController()
      const outcomes = tally()
      for (let i = 0; i < count; i++) {
        const partitionId = ids[i % 4]
        // The first fill the buffer and have no reason to end; of the others, one in three has none either.
        const kind = i < room ? 0 : i % 3
        const limit = [{ timeoutInMs: 3_600_000 }, { timeoutInMs: 5000 }, { abortSignal: abort.signal }][kind]
        outcomes.add(client.sendEvent(event, { partitionId, ...limit }))
      }
      await settlePromises()
      expect(outcomes.seen).toEqual({ taken: room })
      const held = ids.map((id) => client.getBufferedEventCount(id) ?? 0)
      expect(held.reduce((sum, each) => sum + each)).toBe(room)

      await clock.advance(5000)
      const timedOut = outcomes.seen.timeout ?? 0
      expect(timedOut).toBeGreaterThan(33_000)
      abort.abort()
      await settlePromises()
      const aborted = outcomes.seen.aborted ?? 0
      expect(aborted).toBeGreaterThan(33_000)
      expect(outcomes.seen.taken).toBe(room)

      // The wire comes back: whoever still waits gets through, in time.
      const waiting = count - timedOut - aborted
      while (accepted < waiting) {
        for (const send of transport.openSends) send.accept()
        await clock.advance(0)
        expect(client.getBufferedEventCount('0')).toBeLessThanOrEqual(room)
      }
      await outcomes.all()
      expect(outcomes.seen).toEqual({ taken: waiting, timeout: timedOut, aborted })
      expect(client.totalBufferedEventCount).toBe(0)
      await client.close()
      expect(clock.pendingTimers).toBe(0)
    },
  )

  test.each(limits)('in an invocation hold %s, and all stand in its report', async (_, options, room) => {
    const clock = new BulkClock()
    const { client } = fakeClient({ ...options, clock, partitionIds: ids })
    const invocation = client.beginInvocation({ timeoutInMs: 10_000, reserveInMs: 0 })
    const outcomes = tally()
    for (let i = 0; i < count; i++) {
      outcomes.add(invocation.sendEvent(event, { partitionId: ids[i % 4], ...(i % 2 ? { timeoutInMs: 5000 } : {}) }))
    }
    await settlePromises()
    expect(outcomes.seen).toEqual({ taken: room })
    const ended: Promise<FlushReport> = invocation.end()
    await clock.advance(10_000)
    const { accepted, failures } = await ended
    expect(accepted).toBe(0)
    expect(failures.map(({ index }) => index)).toEqual(Array.from({ length: count }, (__, i) => i))
    // What found room left, and nobody answered; the others were never sent.
    expect(failures.filter(({ outcome }) => outcome === 'unknown').length).toBeLessThanOrEqual(room)
    await outcomes.all()
    expect(outcomes.seen).toEqual({ taken: room, timeout: count - room })
    expect(clock.pendingTimers).toBe(0)
  })
})

describe.each<TransportType>(['amqp', 'amqpOverWebSocket', 'https'])('over %s, a hub that takes nothing', (type) => {
  let hub: LocalHub
  const clients: EventHubProducerClient[] = []
  beforeEach(async () => {
    hub = await startLocalHub({ sharedAccessKeys: { root: 'key' } })
  })
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close({ flush: false })))
    await hub.close()
  })

  function connect(options: EventHubProducerClientOptions): EventHubProducerClient {
    const port = type === 'amqp' ? hub.amqpPort : hub.httpPort
    const text = `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=root;SharedAccessKey=key;EntityPath=events;UseDevelopmentEmulator=true`
    const client = EventHubProducerClient.fromConnectionString(text, { transportType: type, ...options })
    clients.push(client)
    return client
  }

  test('fills the buffer; then sendEvent waits as long as it is told to, and goes on when the hub does', async () => {
    if (type === 'https') hub.faults.throttle = { retryAfterInSeconds: 0.2 }
    else hub.faults.withholdCredit = true
    let accepted = 0
    const client = connect({
      bufferedMode: true,
      maxBufferLength: 20,
      retryOptions: { maxRetries: 100, tryTimeoutInMs: 30_000 },
      onSuccess: (events) => {
        accepted += events.length
      },
      onError: () => {},
    })
    for (let i = 0; i < 20; i++) await client.sendEvent({ body: `${i}` }, { partitionId: '0' })
    const startedAt = performance.now()
    const error: EventHubError = await client
      .sendEvent({ body: 'too many' }, { partitionId: '0', timeoutInMs: 200 })
      .then(
        () => Promise.reject(new Error('There was no room for it.')),
        (thrown) => thrown,
      )
    expect(error).toMatchObject({ name: 'OperationTimeoutError', outcome: 'returned', retryable: true })
    expect(error.message).toMatch(/Await sendEvent, raise maxBufferLength, or allow more time/)
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(195)
    expect(client.getBufferedEventCount('0')).toBe(20)

    const patient = client.sendEvent({ body: 'patient' }, { partitionId: '0', timeoutInMs: 10_000 })
    hub.faults.reset()
    await patient
    await client.flush()
    expect(accepted).toBe(21)
    expect(hub.events('events', '0').map(({ body }) => body.toString())).toEqual([
      ...Array.from({ length: 20 }, (_, i) => `${i}`),
      'patient',
    ])
  })
})
