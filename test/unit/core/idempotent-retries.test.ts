import { describe, expect, test } from 'vitest'
import { EventHubProducerClient } from '../../../core/client.js'
import { EventHubError } from '../../../core/errors.js'
import type { EventHubProducerClientOptions } from '../../../core/options.js'
import { fakeClient } from '../../support/fake-client.js'
import { settlePromises } from '../../support/virtual-clock.js'

const lost = () => new EventHubError('lost', { code: 'connection-lost', retryable: true, outcome: 'unknown' })
const idempotent = (options: EventHubProducerClientOptions = {}) =>
  fakeClient({ enableIdempotentRetries: true, partitionIds: ['0', '1'], ...options })

describe('enableIdempotentRetries', () => {
  test.each<[string, EventHubProducerClientOptions]>([
    ["transportType: 'https'", { transportType: 'https' }],
    ["keyedRouting: 'service'", { keyedRouting: 'service' }],
    ["unkeyedRouting: 'service'", { unkeyedRouting: 'service' }],
    ['maxConcurrentSendsPerPartition over 1', { maxConcurrentSendsPerPartition: 2 }],
  ])('is refused by name beside %s', (named, options) => {
    const construct = () =>
      new EventHubProducerClient(
        'ns.example.net',
        'events',
        { name: 'n', key: 'k' },
        { enableIdempotentRetries: true, ...options },
      )
    expect(construct).toThrow(TypeError)
    expect(construct).toThrow(`enableIdempotentRetries cannot be used beside ${named}`)
  })

  test('is refused with a transport that cannot do it', () => {
    const { transport } = fakeClient()
    const plain = Object.create(transport, { canRetryIdempotently: { value: undefined }, name: { value: 'plain' } })
    expect(() => idempotent({ transportType: plain })).toThrow("cannot be used with the transport 'plain'")
  })

  test('is refused when nobody can tell the partitions', () => {
    expect(() => fakeClient({ enableIdempotentRetries: true }, { canReadProperties: false })).toThrow(
      /Pass partitionIds/,
    )
  })

  test('lets no batch to a partition pass one that is in doubt, whoever sends it', async () => {
    const { client, transport, clock } = idempotent()
    const first = client.sendEvent({ body: 'direct' }, { partitionId: '0' })
    await settlePromises()
    const invocation = client.beginInvocation()
    void invocation.sendEvent({ body: 'invoked' }, { partitionId: '0' })
    void invocation.sendEvent({ body: 'elsewhere' }, { partitionId: '1' })
    const flushed = invocation.flush()
    await settlePromises()
    expect(transport.openSends.map((send) => send.bodies)).toEqual([['direct'], ['elsewhere']])
    transport.openSends[0]?.fail(lost())
    await settlePromises()
    // Between two attempts, too, the batch has its partition for itself.
    expect(transport.openSends.map((send) => send.bodies)).toEqual([['elsewhere']])
    await clock.advance(1000)
    expect(transport.openSends.map((send) => send.bodies)).toEqual([['elsewhere'], ['direct']])
    for (const send of transport.openSends) send.accept()
    await first
    await settlePromises()
    expect(transport.openSends.map((send) => send.bodies)).toEqual([['invoked']])
    transport.openSends[0]?.accept()
    expect(await flushed).toMatchObject({ accepted: 2, failures: [] })
    await client.close()
  })

  test('returns a batch whose turn did not come in time: it never left', async () => {
    const { client, transport, clock } = idempotent()
    const first = client.sendEvent({ body: 'a' }, { partitionId: '0' })
    await settlePromises()
    const invocation = client.beginInvocation({ timeoutInMs: 2000, reserveInMs: 0 })
    void invocation.sendEvent({ body: 'b' }, { partitionId: '0' })
    const ended = invocation.end()
    await clock.advance(2000)
    const report = await ended
    expect(report.failures.map(({ outcome, error }) => [outcome, error.code])).toEqual([['returned', 'timeout']])
    transport.openSends[0]?.accept()
    await first
    // The turn was handed on.
    const last = client.sendEvent({ body: 'c' }, { partitionId: '0' })
    await settlePromises()
    expect(transport.openSends.map((send) => send.bodies)).toEqual([['c']])
    transport.openSends[0]?.accept()
    await last
  })

  test('keeps no send slot for those that wait for their turn: other partitions go on', async () => {
    const { client, transport } = idempotent({ maxConcurrentSends: 2 })
    const sends = [0, 1, 2, 3].map((i) => client.sendEvent({ body: `direct ${i}` }, { partitionId: '0' }))
    const invocation = client.beginInvocation()
    void invocation.sendEvent({ body: 'invoked' }, { partitionId: '0' })
    void invocation.flush()
    await settlePromises()
    const elsewhere = client.sendEvent({ body: 'elsewhere' }, { partitionId: '1' })
    await settlePromises()
    expect(transport.openSends.map((send) => send.bodies)).toEqual([['direct 0'], ['elsewhere']])
    for (let i = 0; i < 6; i++) {
      for (const send of transport.openSends) send.accept()
      await settlePromises()
    }
    await Promise.all([...sends, elsewhere])
    expect((await invocation.end()).failures).toEqual([])
    await client.close()
  })

  test('gives the turn back when whoever waits for a slot gives up', async () => {
    const { client, transport, clock } = idempotent({ maxConcurrentSends: 1 })
    const busy = client.sendEvent({ body: 'busy' }, { partitionId: '1' })
    await settlePromises()
    const invocation = client.beginInvocation({ timeoutInMs: 100, reserveInMs: 0 })
    void invocation.sendEvent({ body: 'given up' }, { partitionId: '0' })
    const ended = invocation.end()
    await clock.advance(100)
    expect((await ended).failures.map(({ outcome }) => outcome)).toEqual(['returned'])
    transport.openSends[0]?.accept()
    await busy
    const last = client.sendEvent({ body: 'last' }, { partitionId: '0' })
    await settlePromises()
    expect(transport.openSends.map((send) => send.bodies)).toEqual([['last']])
    transport.openSends[0]?.accept()
    await last
  })

  test('names a partition for every event, asking for the ids first where it must', async () => {
    const { client, transport } = fakeClient(
      { enableIdempotentRetries: true },
      { onSend: (send) => send.accept(), partitionIds: ['0', '1'] },
    )
    await client.sendEvent({ body: 'unkeyed' })
    await client.sendEvent({ body: 'keyed' }, { partitionKey: 'abc' })
    const invocation = client.beginInvocation()
    void invocation.sendEvent({ body: 'unkeyed' })
    await invocation.end()
    expect(transport.sends.map((send) => send.partitionId)).not.toContain(undefined)
    expect(transport.propertyReads).toBe(1)
    await client.close()
  })
})
