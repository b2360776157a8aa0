import { expect, test } from 'vitest'
import type { FlushReport } from '../../../core/report.js'
import { fakeClient } from '../../support/fake-client.js'
import { settlePromises } from '../../support/virtual-clock.js'

// Each was found by test/simulation; the seed stands in the commit that mended it.

const ids = ['0', '1']

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
