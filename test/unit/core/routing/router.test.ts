import { describe, expect, test } from 'vitest'
import { EventHubError } from '../../../../core/errors.js'
import { parseOptions } from '../../../../core/options.js'
import { PartitionDirectory } from '../../../../core/routing/partition-directory.js'
import { partitionIndexForKey } from '../../../../core/routing/partition-key-hash.js'
import { Router, type RouterSettings, type UnkeyedCursor } from '../../../../core/routing/router.js'
import { thrownBy } from '../../../support/thrown.js'
import { VirtualClock } from '../../../support/virtual-clock.js'

const ids = ['10', '11', '12', '13']
const key = 'device-42'
const partitionOfKey = ids[partitionIndexForKey(key, ids.length)]

interface Setup extends Partial<RouterSettings> {
  readonly given?: readonly string[]
  readonly canReadProperties?: boolean
}

/** A router that knows no ids unless they are given. */
function setUp({ given, canReadProperties = true, ...settings }: Setup = {}) {
  const clock = new VirtualClock()
  const properties = { eventHubName: 'events', createdAt: new Date(0), partitionIds: ids }
  const wire = { canReadProperties, getEventHubProperties: async () => properties }
  const directory = new PartitionDirectory(wire, given, { policy: parseOptions({}).retry, clock, random: () => 0.5 })
  const router = new Router(
    { keyedRouting: 'local', unkeyedRouting: 'sticky', random: () => 0.6, ...settings },
    directory,
  )
  return { router, load: () => directory.load({ deadline: clock.monotonicNow() + 1000 }) }
}

const fresh = (): UnkeyedCursor => ({ position: undefined })

describe('a partition id', () => {
  test('wins over a key, and a key over nothing', () => {
    const { router } = setUp({ given: ids })
    const other = ids.find((id) => id !== partitionOfKey)!
    expect(router.route(other, key, fresh(), true)).toEqual({ kind: 'partition', partitionId: other })
    expect(router.route(undefined, key, fresh(), true)).toEqual({ kind: 'partition', partitionId: partitionOfKey })
    expect(router.route(undefined, undefined, fresh(), true)).toEqual({ kind: 'partition', partitionId: '12' })
  })

  test('that is unknown is refused at once, naming those there are', () => {
    const { router } = setUp({ given: ids })
    const error = thrownBy(() => router.route('4', undefined, fresh(), true)) as EventHubError
    expect(error).toBeInstanceOf(EventHubError)
    expect(error).toMatchObject({ code: 'argument-error', outcome: 'refused', retryable: false })
    expect(error.message).toContain("'4'")
    expect(error.message).toContain('10, 11, 12, 13')
    // An empty id is no wish for "any".
    expect(thrownBy(() => router.route('', undefined, fresh(), true))).toMatchObject({ code: 'argument-error' })
  })

  test('that is unknown among very many is refused in a sentence, not a page', () => {
    const { router } = setUp({ given: Array.from({ length: 1024 }, (_, i) => `${i}`) })
    const { message } = thrownBy(() => router.route('1024', undefined, fresh(), true))
    expect(message.length).toBeLessThan(200)
    expect(message).toContain('1023')
    expect(message).toContain('1024 in all')
  })

  test('is taken as it is while the ids are not known', () => {
    expect(setUp().router.route('77', undefined, fresh(), false)).toEqual({ kind: 'partition', partitionId: '77' })
  })
})

describe('a key', () => {
  test('waits for the ids, then goes where the service would put it', async () => {
    const { router, load } = setUp()
    expect(router.route(undefined, key, fresh(), true)).toEqual({ kind: 'pending' })
    // Also for who would rather not wait: the service's choice could break the key's order.
    expect(router.route(undefined, key, fresh(), false)).toEqual({ kind: 'pending' })
    await load()
    expect(router.route(undefined, key, fresh(), true)).toEqual({ kind: 'partition', partitionId: partitionOfKey })
  })

  test('that is empty is a key all the same', () => {
    expect(setUp({ given: ids }).router.route(undefined, '', fresh(), true)).toEqual({
      kind: 'partition',
      partitionId: '10',
    })
  })

  test('goes to the service with keyedRouting: service, ids or not', () => {
    for (const setup of [{ given: ids }, {}]) {
      const { router } = setUp({ ...setup, keyedRouting: 'service' })
      expect(router.route(undefined, key, fresh(), true)).toEqual({ kind: 'service', key })
    }
  })

  test('does not move the cursor of unkeyed events', () => {
    const cursor = fresh()
    setUp({ given: ids }).router.route(undefined, key, cursor, true)
    expect(cursor.position).toBeUndefined()
  })
})

describe('without id and key', () => {
  const route = (router: Router, cursor: UnkeyedCursor) => {
    const answer = router.route(undefined, undefined, cursor, true)
    return answer.kind === 'partition' ? answer.partitionId : answer.kind
  }

  test.each([
    [0, '10'],
    [0.24, '10'],
    [0.25, '11'],
    [0.5, '12'],
    [0.999_999, '13'],
  ])('sticky starts at random (%d: %s), stays, and moves on when its batch is sealed', (random, first) => {
    const { router } = setUp({ given: ids, random: () => random })
    const cursor = fresh()
    expect([route(router, cursor), route(router, cursor), route(router, cursor)]).toEqual([first, first, first])
    const visited = ids.map(() => {
      const partitionId = route(router, cursor)
      router.moveOn(partitionId, cursor)
      return partitionId
    })
    // All of them, in order, and round again.
    const start = ids.indexOf(first)
    expect(visited).toEqual([...ids.slice(start), ...ids.slice(0, start)])
    expect(route(router, cursor)).toBe(first)
  })

  test('sticky does not move on for a batch of another partition', () => {
    const { router } = setUp({ given: ids })
    const cursor = fresh()
    expect(route(router, cursor)).toBe('12')
    router.moveOn('11', cursor)
    expect(route(router, cursor)).toBe('12')
  })

  test('every owner has a cursor of its own', () => {
    const { router } = setUp({ given: ids })
    const [mine, yours] = [fresh(), fresh()]
    route(router, mine)
    route(router, yours)
    router.moveOn('12', mine)
    expect([route(router, mine), route(router, yours)]).toEqual(['13', '12'])
  })

  test('roundRobin takes the next partition for every event, and a sealed batch changes nothing', () => {
    const { router } = setUp({ given: ids, unkeyedRouting: 'roundRobin' })
    const cursor = fresh()
    const first = [route(router, cursor), route(router, cursor)]
    router.moveOn('13', cursor)
    expect([...first, route(router, cursor), route(router, cursor), route(router, cursor)]).toEqual([
      '12',
      '13',
      '10',
      '11',
      '12',
    ])
  })

  test('the service picks with unkeyedRouting: service', () => {
    const { router } = setUp({ given: ids, unkeyedRouting: 'service' })
    expect(router.route(undefined, undefined, fresh(), true)).toEqual({ kind: 'service', key: undefined })
  })

  test('waits for unknown ids if it may; if not, the service picks', () => {
    const { router } = setUp()
    const cursor = fresh()
    expect(router.route(undefined, undefined, cursor, true)).toEqual({ kind: 'pending' })
    expect(router.route(undefined, undefined, cursor, false)).toEqual({ kind: 'service', key: undefined })
    router.moveOn('10', cursor)
    expect(cursor.position).toBeUndefined()
  })

  test('with a single partition there is one place to go', () => {
    const { router } = setUp({ given: ['0'], random: () => 0.99 })
    const cursor = fresh()
    expect(route(router, cursor)).toBe('0')
    router.moveOn('0', cursor)
    expect(route(router, cursor)).toBe('0')
  })
})

describe('a wire that cannot ask for the ids (HTTPS)', () => {
  test('leaves the choice to the service, with the key where there is one', () => {
    const { router } = setUp({ canReadProperties: false })
    expect(router.route(undefined, key, fresh(), true)).toEqual({ kind: 'service', key })
    expect(router.route(undefined, undefined, fresh(), true)).toEqual({ kind: 'service', key: undefined })
    expect(router.route('3', key, fresh(), true)).toEqual({ kind: 'partition', partitionId: '3' })
  })

  test('routes here once the ids are given', () => {
    const { router } = setUp({ canReadProperties: false, given: ids })
    expect(router.route(undefined, key, fresh(), true)).toEqual({ kind: 'partition', partitionId: partitionOfKey })
    expect(router.route(undefined, undefined, fresh(), true).kind).toBe('partition')
  })
})
