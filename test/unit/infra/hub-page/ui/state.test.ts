import { expect, test } from 'vitest'
import type { Happening, HubFacts, Update } from '../../../../../infra/hub-page/protocol.js'
import { apply, columnInMs, entriesAfter, nothingYet } from '../../../../../infra/hub-page/ui/state.js'

const hub = { eventHubNames: ['events'] } as unknown as HubFacts
const count = (events: number) => ({ eventHubName: 'events', partitionId: '0', events, batches: 1, sizeInBytes: 10 })
const start: Update = { at: 100_000, hub, stored: [count(40)] }

test('a lane counts what came since the page was opened into columns, and all of it in its total', () => {
  let state = apply(nothingYet, start, 100_000)
  for (const [at, events] of [
    [100_100, 45],
    [100_200, 46],
    [100_600, 50],
  ] as const) {
    state = apply(state, { at, stored: [count(events)] }, at)
  }
  const lane = state.lanes.get('events/0')
  expect(lane?.count.events).toBe(50)
  expect([...(lane?.columns ?? [])]).toEqual([
    [100_000 / columnInMs, 6],
    [100_500 / columnInMs, 4],
  ])
})

test('what a page missed is made good by the next whole account, not added to what it had', () => {
  const before = apply(apply(nothingYet, start, 0), { at: 100_100, stored: [count(45)] }, 0)
  const after = apply(before, { ...start, at: 200_000, stored: [count(90)] }, 200_500)
  expect(after.lanes.get('events/0')?.count.events).toBe(90)
  expect(after.lanes.get('events/0')?.columns.size).toBe(0)
  expect(after.clockAheadInMs).toBe(-500)
})

test('stays within its bounds however much arrives', () => {
  let state = apply(nothingYet, start, 0)
  for (let i = 1; i <= 500; i++) {
    const at = 100_000 + i * 100
    const batches = Array.from({ length: 20 }, (_, index) => ({
      ...{ eventHubName: 'events', partitionId: '0', sequenceNumber: i * 20 + index },
      ...{ events: 1, sizeInBytes: 1, at, preview: '' },
    }))
    const latencies = [{ kind: 'stored' as const, at, durationInMs: 1 }]
    state = apply(state, { at, stored: [count(40 + i * 20)], batches, latencies }, at)
  }
  const lane = state.lanes.get('events/0')
  expect(lane?.columns.size).toBeLessThanOrEqual(30_000 / columnInMs + 1)
  expect(lane?.marks.length).toBeLessThanOrEqual(400)
  expect(state.batches.length).toBeLessThanOrEqual(300)
  expect([...(lane?.columns.values() ?? [])].reduce((sum, events) => sum + events, 0)).toBeGreaterThanOrEqual(6000)
})

const invocation = (id: number, taken: number, durationInMs: number, accepted = taken): Happening => ({
  ...{ kind: 'invocation', origin: 'stream', id, at: id, taken, durationInMs },
  ...{ accepted, refused: taken - accepted, unknown: 0, returned: 0 },
})

test('invocations that went well are one line; slow and failed ones stand apart', () => {
  const happened = [
    ...[invocation(1, 5, 2), invocation(2, 6, 9), invocation(3, 7, 1500), invocation(4, 8, 3)],
    ...[invocation(5, 9, 4, 0), invocation(6, 1, 5)],
  ]
  const entries = entriesAfter([], happened)
  expect(entries.map((entry) => [entry.kind, entry.kind === 'invocations' ? entry.events : entry.id])).toEqual([
    ['invocations', 11],
    ['invocations', 7],
    ['invocations', 8],
    ['invocation', 5],
    ['invocations', 1],
  ])
  expect(entries[0]).toMatchObject({ invocations: 2, fastestInMs: 2, slowestInMs: 9 })
})
