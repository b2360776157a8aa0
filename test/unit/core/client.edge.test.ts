import { expect, test, vi } from 'vitest'
import { fakeClient } from '../../support/fake-client.js'
import { settlePromises } from '../../support/virtual-clock.js'

vi.mock('#transports', () => import('../../../core/transports.edge.js'))

// One request's callbacks must not run in another's: in Workers they would end with it.
const limits = { maxConcurrentSends: 1, maxBufferLength: 1, maxBufferSizeInBytes: 1 }

test('at the edge, an invocation does not wait for room or a send slot that another one has', async () => {
  const { client, transport } = fakeClient(limits, { canReadProperties: false })
  const [stalled, other] = [client.beginInvocation(), client.beginInvocation()]
  void stalled.sendEvent({ body: 'a' })
  const stalledEnd = stalled.end()
  await settlePromises()
  expect(transport.openSends.map(({ bodies }) => bodies)).toEqual([['a']])
  await other.sendEvent({ body: 'b' })
  const otherEnd = other.end()
  await settlePromises()
  expect(transport.openSends.map(({ bodies }) => bodies)).toEqual([['a'], ['b']])
  transport.openSends[1]?.accept()
  expect(await otherEnd).toMatchObject({ accepted: 1, failures: [] })
  transport.openSends[0]?.accept()
  expect(await stalledEnd).toMatchObject({ accepted: 1, failures: [] })
})

test('at the edge, the limits hold within one invocation', async () => {
  const { client, transport } = fakeClient(limits, { canReadProperties: false })
  const invocation = client.beginInvocation()
  const taken: string[] = []
  for (const body of ['a', 'b']) void invocation.sendEvent({ body }).then(() => taken.push(body))
  await settlePromises()
  expect([taken, transport.openSends.length]).toEqual([['a'], 1])
  transport.openSends[0]?.accept()
  await settlePromises()
  expect([taken, transport.openSends.length]).toEqual([['a', 'b'], 0])
  const ended = invocation.end()
  await settlePromises()
  transport.openSends[0]?.accept()
  expect(await ended).toMatchObject({ accepted: 2, failures: [] })
})

test('at the edge, a send outside of invocations waits for no other', async () => {
  const { client, transport } = fakeClient(limits, { canReadProperties: false })
  void client.sendEvent({ body: 'stalled' }).catch(() => {})
  const sent = client.sendEvent({ body: 'other' })
  await settlePromises()
  expect(transport.openSends.map(({ bodies }) => bodies)).toEqual([['stalled'], ['other']])
  transport.openSends[1]?.accept()
  await sent
})

test('at the edge, a full buffer of the client seals nothing of an invocation', async () => {
  const { client, transport } = fakeClient(
    {
      maxBufferLength: 1,
      bufferedMode: true,
      maxWaitTimeInMs: 1000,
      onSuccess: () => {},
      onError: () => {},
    },
    { canReadProperties: false },
  )
  const invocation = client.beginInvocation()
  await invocation.sendEvent({ body: 'of the invocation' })
  const sends = ['first', 'second'].map((body) => client.sendEvent({ body }))
  await settlePromises()
  expect(transport.openSends.map(({ bodies }) => bodies)).toEqual([['first']])
  for (let i = 0; i < 2; i++) {
    transport.openSends[0]?.accept()
    await settlePromises()
  }
  await Promise.all(sends)
  const ended = invocation.end()
  await settlePromises()
  for (const send of [...transport.openSends]) send.accept()
  expect(await ended).toMatchObject({ accepted: 1, failures: [] })
})
