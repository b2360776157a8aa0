import { describe, expect, test, vi } from 'vitest'
import { EventHubError } from '../../../../core/errors.js'
import { parseOptions } from '../../../../core/options.js'
import { PartitionDirectory } from '../../../../core/routing/partition-directory.js'
import type { OperationLimits } from '../../../../core/transport.js'
import { VirtualClock } from '../../../support/virtual-clock.js'

const busy = new EventHubError('busy', { code: 'service-error', retryable: true, outcome: 'refused' })
const gone = new EventHubError('gone', { code: 'entity-not-found', outcome: 'refused' })

function setUp(answers: readonly (readonly string[] | EventHubError)[] = [], given?: readonly string[]) {
  const clock = new VirtualClock()
  const left = [...answers]
  const getEventHubProperties = vi.fn(async (_limits: OperationLimits) => {
    const answer = left.shift() ?? gone
    if (answer instanceof EventHubError) throw answer
    return { name: 'events', createdOn: new Date(0), partitionIds: answer }
  })
  const retry = { policy: parseOptions({}).retry, clock, random: () => 0.5 }
  const directory = new PartitionDirectory({ canReadProperties: true, getEventHubProperties }, given, retry)
  return { clock, getEventHubProperties, directory, retry }
}

describe('the partition directory', () => {
  test('knows given ids without asking', () => {
    const { directory, getEventHubProperties } = setUp([], ['a', 'b'])
    expect(directory.ids).toEqual(['a', 'b'])
    expect(directory.isAvailable).toBe(true)
    expect(getEventHubProperties).not.toHaveBeenCalled()
  })

  test('asks once it is told to, and remembers the answer in the service’s order', async () => {
    const { clock, directory } = setUp([['3', '1', '2']])
    expect(directory.ids).toBeUndefined()
    expect(directory.isAvailable).toBe(true)
    expect(await directory.load({ deadline: clock.monotonicNow() + 1000 })).toEqual(['3', '1', '2'])
    expect(directory.ids).toEqual(['3', '1', '2'])
  })

  test('asks again after a failure that passes, and leaves no timer behind', async () => {
    const { clock, directory, getEventHubProperties } = setUp([busy, busy, ['0']])
    const loaded = directory.load({ deadline: clock.monotonicNow() + 10_000 })
    await clock.advance(800)
    expect(getEventHubProperties).toHaveBeenCalledTimes(2)
    await clock.advance(1600)
    expect(await loaded).toEqual(['0'])
    expect(clock.pendingTimers).toBe(0)
  })

  test('a failure for good rejects and leaves the ids unknown, so that they can be asked for again', async () => {
    const { clock, directory, getEventHubProperties } = setUp([gone, ['0', '1']])
    const limits = { deadline: clock.monotonicNow() + 10_000 }
    await expect(directory.load(limits)).rejects.toBe(gone)
    expect(getEventHubProperties).toHaveBeenCalledTimes(1)
    expect(directory.ids).toBeUndefined()
    expect(await directory.load(limits)).toEqual(['0', '1'])
  })

  test('an answer without ids is an error of the service, and the ids stay unknown', async () => {
    const { clock, directory } = setUp([[]])
    const loaded = directory.load({ deadline: clock.monotonicNow() + 1000 })
    await expect(loaded).rejects.toMatchObject({ code: 'protocol-error', retryable: false })
    expect(directory.ids).toBeUndefined()
  })

  test('is not available where the wire cannot read properties and no ids were given', () => {
    const { getEventHubProperties, retry } = setUp()
    const wire = { canReadProperties: false, getEventHubProperties }
    expect(new PartitionDirectory(wire, undefined, retry).isAvailable).toBe(false)
    expect(new PartitionDirectory(wire, ['0'], retry).isAvailable).toBe(true)
  })
})
