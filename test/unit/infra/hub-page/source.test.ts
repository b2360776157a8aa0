import { expect, test } from 'vitest'
import { EventSource } from '../../../../infra/hub-page/source.js'

test('makes as many events as the rate says, over any number of looks', () => {
  const source = new EventSource(1000)
  source.setRate(7, 0)
  for (let now = 100; now <= 3000; now += 100) source.produce(now)
  expect(source.created).toBe(21)
  source.setRate(0, 3000)
  source.produce(9000)
  expect(source.created).toBe(21)
})

test('delivers what was put back before anything newer, in order', () => {
  const source = new EventSource(1000)
  source.setRate(10, 0)
  source.produce(1000)
  expect(source.take(4)).toEqual([0, 1, 2, 3])
  expect(source.take(3)).toEqual([4, 5, 6])
  source.putBack([5])
  source.putBack([2, 0])
  expect(source.waiting).toBe(6)
  expect(source.take(5)).toEqual([0, 2, 5, 7, 8])
  expect(source.take(5)).toEqual([9])
  expect(source.take(5)).toEqual([])
})

test('makes no more than it may hold, and does not make up for what it could not make', () => {
  const source = new EventSource(5)
  source.setRate(100, 0)
  source.produce(1000)
  expect([source.waiting, source.isFull]).toEqual([5, true])
  source.take(5)
  source.produce(1010)
  expect(source.waiting).toBe(1)
})
