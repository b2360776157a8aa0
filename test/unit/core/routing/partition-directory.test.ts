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
    return { eventHubName: 'events', createdAt: new Date(0), partitionIds: answer }
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

describe('ids that were asked for', () => {
  const minute = 60_000

  async function loaded(...answers: (readonly string[] | EventHubError)[]) {
    const setup = setUp([['0', '1'], ...answers])
    await setup.directory.load({ deadline: setup.clock.monotonicNow() + 1000 })
    return setup
  }

  test('are asked for again once they are five minutes old, and hold until the answer is there', async () => {
    const { clock, directory, getEventHubProperties } = await loaded(['0', '1', '2'], ['0', '1', '2', '3'])
    await clock.advance(5 * minute - 1)
    directory.refreshIfOld()
    expect(getEventHubProperties).toHaveBeenCalledTimes(1)
    await clock.advance(1)
    for (let i = 0; i < 3; i++) directory.refreshIfOld()
    expect(getEventHubProperties).toHaveBeenCalledTimes(2)
    expect(directory.ids).toEqual(['0', '1'])
    await clock.advance(0)
    expect(directory.ids).toEqual(['0', '1', '2'])
    directory.refreshIfOld()
    expect(getEventHubProperties).toHaveBeenCalledTimes(2)
    expect(clock.pendingTimers).toBe(0)
    // A freeze makes them old, too.
    clock.freeze(60 * minute)
    directory.refreshIfOld()
    await clock.advance(0)
    expect(directory.ids).toHaveLength(4)
  })

  test('are kept when they cannot be asked for again; the next try is ten seconds later', async () => {
    const { clock, directory, getEventHubProperties } = await loaded(busy, ['0', '1', '2'])
    await clock.advance(5 * minute)
    directory.refreshIfOld()
    await clock.advance(9999)
    directory.refreshIfOld()
    expect(getEventHubProperties).toHaveBeenCalledTimes(2)
    expect(directory.ids).toEqual(['0', '1'])
    await clock.advance(1)
    directory.refreshIfOld()
    await clock.advance(0)
    expect(directory.ids).toEqual(['0', '1', '2'])
  })

  test('are given up on after tryTimeoutInMs by a wire that never answers, and no timer stays', async () => {
    const { clock, directory, getEventHubProperties } = await loaded()
    getEventHubProperties.mockImplementation(() => new Promise(() => {}))
    await clock.advance(5 * minute)
    directory.refreshIfOld()
    expect(getEventHubProperties.mock.lastCall?.[0].deadline).toBe(clock.monotonicNow() + 10_000)
    await clock.advance(10_000)
    expect(clock.pendingTimers).toBe(0)
    expect(directory.ids).toEqual(['0', '1'])
  })

  test('are asked for again when one is named that is not among them, every ten seconds at most', async () => {
    const { clock, directory, getEventHubProperties } = await loaded(['0', '1', '2'])
    directory.refreshForUnknown()
    expect(getEventHubProperties).toHaveBeenCalledTimes(1)
    await clock.advance(10_000)
    for (let i = 0; i < 3; i++) directory.refreshForUnknown()
    await clock.advance(0)
    expect(getEventHubProperties).toHaveBeenCalledTimes(2)
    expect(directory.ids).toEqual(['0', '1', '2'])
  })

  test('are learnt from whoever asked the service; ids that were given are not touched', async () => {
    const { directory } = await loaded()
    directory.learn(['0', '1', '2'])
    expect(directory.ids).toEqual(['0', '1', '2'])
    directory.learn([])
    expect(directory.ids).toEqual(['0', '1', '2'])
    const given = setUp([['9']], ['a'])
    given.directory.learn(['0'])
    await given.clock.advance(60 * minute)
    given.directory.refreshIfOld()
    given.directory.refreshForUnknown()
    await given.clock.advance(0)
    expect(given.getEventHubProperties).not.toHaveBeenCalled()
    expect(given.directory.ids).toEqual(['a'])
  })
})

describe('beside a send that names its partition', () => {
  test('the ids are learnt once, and nobody waits for them', async () => {
    const { clock, directory, getEventHubProperties } = setUp([['0', '1']])
    directory.learnBeside()
    directory.learnBeside()
    expect(directory.ids).toBeUndefined()
    await clock.advance(0)
    expect(directory.ids).toEqual(['0', '1'])
    directory.learnBeside()
    expect(getEventHubProperties).toHaveBeenCalledTimes(1)
    expect(clock.pendingTimers).toBe(0)
  })

  test('a failure to learn them is no failure of the send; the next try is ten seconds later', async () => {
    const { clock, directory, getEventHubProperties } = setUp([busy, ['0']])
    directory.learnBeside()
    await clock.advance(9999)
    directory.learnBeside()
    expect(getEventHubProperties).toHaveBeenCalledTimes(1)
    await clock.advance(1)
    directory.learnBeside()
    await clock.advance(0)
    expect(directory.ids).toEqual(['0'])
  })

  test('nothing is asked of a wire that cannot tell, nor where the ids were given', async () => {
    const { directory, getEventHubProperties } = setUp([['9']], ['0'])
    directory.learnBeside()
    const { retry } = setUp()
    const blind = new PartitionDirectory({ canReadProperties: false, getEventHubProperties }, undefined, retry)
    blind.learnBeside()
    expect(getEventHubProperties).not.toHaveBeenCalled()
  })
})
