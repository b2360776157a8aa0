import { expect, test } from 'vitest'
import { EventHubError } from '../../../core/errors.js'
import type { FlushReport } from '../../../core/report.js'
import { fakeClient } from '../../support/fake-client.js'
import { settlePromises } from '../../support/virtual-clock.js'

// Each was found by test/simulation; the seed stands in the commit that mended it.

const ids = ['0', '1']
const busy = new EventHubError('busy', { code: 'service-error', retryable: true, outcome: 'refused' })

test('an invocation that is given up sends nothing more for the room that its own waiting events leave', async () => {
  const { client, transport, clock } = fakeClient({ partitionIds: ids, maxBufferSizeInBytes: 100 })
  const giveUp = new AbortController()
  const invocation = client.beginInvocation({ abortSignal: giveUp.signal })
  void invocation.sendEvent({ body: 'a'.repeat(60) }, { partitionId: '0' })
  const flushed = invocation.flush()
  await settlePromises()
  expect(transport.sends).toHaveLength(1)
  // The first lacks room, those behind it wait their turn; without the first, the second fits.
  void invocation.sendEvent({ body: 'b'.repeat(80) }, { partitionId: '1' })
  void invocation.sendEvent({ body: 'c' }, { partitionId: '1' })
  void invocation.sendEvent({ body: 'd'.repeat(80) }, { partitionId: '1' })
  giveUp.abort()
  await settlePromises()
  expect(transport.sends).toHaveLength(1)
  const outcomes = (report: FlushReport) => report.failures.map(({ outcome }) => outcome)
  expect(outcomes(await flushed)).toEqual(['unknown', 'returned', 'returned', 'returned'])
  expect(outcomes(await invocation.end())).toEqual([])
  expect(clock.pendingTimers).toBe(0)
})

test('what is held back after a failure lets no second batch go beside the one that is next', async () => {
  const { client, transport, clock } = fakeClient({
    partitionIds: ['0', '1', '2'],
    maxBufferLength: 3,
    maxConcurrentSends: 2,
    retryOptions: { maxRetries: 0 },
  })
  const other = client.beginInvocation()
  const invocation = client.beginInvocation({ afterFailure: 'stop' })
  // Two keys of one partition. a1, a2 and b1 hold all its room, in a batch each; the others wait for it.
  const [a, b] = ['a', 'device-42']
  for (const [body, partitionKey] of [...['a1', 'a2'].map((body) => [body, a]), ['b1', b]]) {
    void invocation.sendEvent({ body: `${body}` }, { partitionKey })
    void invocation.flush()
    await settlePromises()
  }
  for (const body of ['b2', 'b3', 'b4']) void invocation.sendEvent({ body }, { partitionKey: b })
  const partitionId = transport.sends[0]?.partitionId
  const others = ['0', '1', '2'].filter((id) => id !== partitionId)
  for (const id of others) void other.sendEvent({ body: `other ${id}` }, { partitionId: id })
  void other.flush()
  await settlePromises()
  const bodies = () => transport.openSends.map((open) => open.bodies.join())
  expect(bodies()).toEqual(['a1', `other ${others[0]}`])
  transport.sends[0]?.fail(new EventHubError('no', { code: 'entity-disabled', outcome: 'refused' }))
  await settlePromises()
  expect(bodies()).toEqual(others.map((id) => `other ${id}`))
  void invocation.end()
  for (let i = 0; i < 8; i++) {
    transport.openSends[0]?.accept()
    await settlePromises()
    expect(bodies().filter((body) => body.startsWith('b')).length).toBeLessThanOrEqual(1)
  }
  expect(transport.sends.flatMap((sent) => sent.bodies).filter((body) => !body.startsWith('o'))).toEqual([
    'a1',
    'b1',
    'b2',
    'b3',
    'b4',
  ])
  await other.end()
  expect(clock.pendingTimers).toBe(0)
})

test('what waits behind an event that found no room in time is held back, and not sent in that very turn', async () => {
  const { client, transport, clock } = fakeClient({ partitionIds: ids, maxBufferSizeInBytes: 100 })
  const other = client.beginInvocation()
  void other.sendEvent({ body: 'a'.repeat(60) }, { partitionId: '1' })
  void other.flush()
  const invocation = client.beginInvocation({ afterFailure: 'stop' })
  const send = (body: string, timeoutInMs?: number) =>
    invocation.sendEvent({ body }, { partitionId: '0', timeoutInMs }).catch(() => {})
  void send('b'.repeat(80), 100)
  // Without the first there is room for the second, and none for the third.
  void send('c')
  void send('d'.repeat(80))
  await clock.advance(100)
  expect(transport.sends).toHaveLength(1)
  transport.sends[0]?.accept()
  const report = await invocation.end()
  expect(report).toMatchObject({
    accepted: 0,
    failures: [{ error: { code: 'timeout' } }, { error: { code: 'predecessor-failed' } }, { outcome: 'returned' }],
  })
})

test('a key that the service routes keeps its order while others wait for the partition ids', async () => {
  const { client, transport } = fakeClient(
    {
      bufferedMode: true,
      onSuccess: () => {},
      onError: () => {},
      keyedRouting: 'service',
      unkeyedRouting: 'roundRobin',
      maxBufferLength: 2,
    },
    { partitionIds: ids },
  )
  let answer = () => {}
  transport.propertiesGate = new Promise((resolve) => {
    answer = resolve
  })
  const keyed = { partitionKey: 'k' }
  void client.sendEvent({ body: '1' }, keyed)
  void client.flush()
  void client.sendEvent({ body: '2' }, keyed)
  // Both lack room: a batch in one piece, and an event that needs the partition ids. The last comes after both.
  void client.sendBatch([{ body: '3' }, { body: '4' }], keyed)
  void client.sendEvent({ body: 'unkeyed' })
  void client.sendEvent({ body: '5' }, keyed)
  for (let i = 0; i < 8; i++) {
    await settlePromises()
    for (const open of transport.openSends) open.accept()
    if (i === 4) answer()
  }
  void client.flush()
  await settlePromises()
  for (const open of transport.openSends) open.accept()
  await settlePromises()
  const sent = transport.sends.flatMap(({ bodies }) => bodies).filter((body) => body !== 'unkeyed')
  expect(sent).toEqual(['1', '2', '3', '4', '5'])
})

test('a warm-up that failed leaves no timer after close', async () => {
  const { client, transport, clock } = fakeClient()
  transport.propertiesError = busy
  transport.warmUpError = busy
  await client.warmUp({ timeoutInMs: 20_000 })
  await client.close()
  expect(clock.pendingTimers).toBe(0)
})

test('what is known of the partitions by then nobody goes on asking for: an invocation leaves no timer', async () => {
  const { client, transport, clock } = fakeClient(
    { partitionIds: undefined, keyedRouting: 'local' },
    { partitionIds: ids, onSend: (send) => send.accept() },
  )
  transport.propertiesError = busy
  const invocation = client.beginInvocation()
  void invocation.sendEvent({ body: 'a' }, { partitionKey: 'k' })
  await settlePromises()
  // Another caller is told in the pause before the invocation asks again.
  transport.propertiesError = undefined
  await client.getEventHubProperties()
  void invocation.sendEvent({ body: 'b' }, { partitionKey: 'k' })
  expect(await invocation.end()).toMatchObject({ accepted: 2, failures: [] })
  const asked = transport.propertyReads
  expect(clock.pendingTimers).toBe(0)
  await clock.advance(60_000)
  expect(transport.propertyReads).toBe(asked)
})

test('partition ids that are asked for beside a send are not waited for any more once the client has closed', async () => {
  const { client, transport, clock } = fakeClient(
    { partitionIds: undefined },
    { partitionIds: ids, onSend: (send) => send.accept() },
  )
  transport.propertiesGate = new Promise(() => {})
  await client.sendEvent({ body: 'a' }, { partitionId: '0' })
  expect(transport.propertyReads).toBe(1)
  await client.close()
  expect(clock.pendingTimers).toBe(0)
})

test('a question for the partition ids that fails costs nothing when another was answered: order within a key holds', async () => {
  const { client, transport } = fakeClient(
    { partitionIds: undefined, keyedRouting: 'local', maxBufferSizeInBytes: 100 },
    { partitionIds: ids, onSend: (send) => send.accept() },
  )
  let fail = () => {}
  transport.propertiesGate = new Promise((resolve) => {
    fail = resolve
  })
  const invocation = client.beginInvocation({ afterFailure: 'stop' })
  for (const [body, partitionKey] of [
    ['a'.repeat(40), 'a'],
    ['b', 'b'],
    ['c'.repeat(60), 'b'],
  ] as const) {
    void invocation.sendEvent({ body }, { partitionKey })
  }
  const ended = invocation.end()
  await settlePromises()
  transport.propertiesGate = undefined
  await client.getEventHubProperties()
  transport.propertiesError = new EventHubError('no', { code: 'unauthorized', outcome: 'refused' })
  fail()
  expect(await ended).toMatchObject({ accepted: 3, failures: [] })
})
