import { describe, expect, test } from 'vitest'
import type { AmqpValue } from '../../../../infra/local-hub/amqp/decoder.js'
import { AmqpError } from '../../../../infra/local-hub/amqp/errors.js'
import { PartitionLog, type Retention } from '../../../../infra/local-hub/partition-log.js'
import { startOf } from '../../../../infra/local-hub/start-position.js'

let now = 1000
function logOf(count: number, retention: Partial<Retention> = {}): PartitionLog {
  const log = new PartitionLog('0', { maxEvents: 1000, maxSizeInBytes: 1_000_000, ...retention }, () => now)
  for (let i = 0; i < count; i++) {
    now = 1000 + i * 10
    log.append([{ bytes: Buffer.alloc(10 + i), partitionKey: undefined }])
  }
  return log
}
const numbers = (log: PartitionLog): number[] => log.toArray().map(({ sequenceNumber }) => sequenceNumber)

describe('a partition', () => {
  test('numbers events from zero, with growing offsets and times that never run backwards', () => {
    const log = logOf(2)
    now = 5
    log.append([{ bytes: Buffer.alloc(1), partitionKey: undefined }])
    expect(log.toArray()).toMatchObject([
      { sequenceNumber: 0, offset: 0, enqueuedAt: 1000 },
      { sequenceNumber: 1, offset: 10, enqueuedAt: 1010 },
      { sequenceNumber: 2, offset: 21, enqueuedAt: 1010 },
    ])
  })

  test('keeps a copy of its own', () => {
    const bytes = Buffer.from('abc')
    const log = logOf(0)
    log.append([{ bytes, partitionKey: undefined }])
    bytes.fill(0)
    expect(String(log.at(0)?.bytes)).toBe('abc')
  })

  test('drops the oldest beyond its number of events, and still knows where it begins', () => {
    const log = logOf(500, { maxEvents: 100 })
    expect(numbers(log)).toEqual(Array.from({ length: 100 }, (_, i) => 400 + i))
    expect([log.beginSequenceNumber, log.nextSequenceNumber, log.count]).toEqual([400, 500, 100])
    expect([log.at(399), log.at(400)?.sequenceNumber, log.at(499)?.sequenceNumber, log.at(500)]).toEqual([
      undefined,
      400,
      499,
      undefined,
    ])
  })

  test('drops the oldest beyond its bytes, but never the newest', () => {
    const log = logOf(20, { maxSizeInBytes: 3_000 })
    expect(log.count).toBeLessThan(10)
    expect(numbers(log).at(-1)).toBe(19)
    log.append([{ bytes: Buffer.alloc(1_000_000), partitionKey: undefined }])
    expect(numbers(log)).toEqual([20])
  })

  test('tells its readers, until they leave', () => {
    const log = logOf(0)
    let told = 0
    const leave = log.onAppend(() => told++)
    log.append([{ bytes: Buffer.alloc(1), partitionKey: undefined }])
    leave()
    log.append([{ bytes: Buffer.alloc(1), partitionKey: undefined }])
    expect(told).toBe(1)
  })
})

describe('start positions', () => {
  const filter = (selector: string): AmqpValue => new Map([['apache.org:selector-filter:string', selector]])
  // Sequence numbers 2 to 9, with offsets from 21 on and times from 1020 on.
  const log = logOf(10, { maxEvents: 8 })
  const offsetOf = (sequenceNumber: number): number => log.at(sequenceNumber)?.offset ?? -1

  test.each([
    ["amqp.annotation.x-opt-offset > '-1'", 2],
    [`amqp.annotation.x-opt-offset > '${offsetOf(4)}'`, 5],
    [`amqp.annotation.x-opt-offset >= '${offsetOf(4)}'`, 4],
    [`amqp.annotation.x-opt-offset > ${offsetOf(4)}`, 5],
    ["amqp.annotation.x-opt-offset > '@latest'", 10],
    ["amqp.annotation.x-opt-offset >= '@latest'", 9],
    ["amqp.annotation.x-opt-sequence-number > '-1'", 2],
    ["amqp.annotation.x-opt-sequence-number > '4'", 5],
    ['amqp.annotation.x-opt-sequence-number >= 4', 4],
    ["amqp.annotation.x-opt-sequence-number > '100'", 10],
    ["amqp.annotation.x-opt-enqueued-time > '1040'", 5],
    ["amqp.annotation.x-opt-enqueued-time >= '1040'", 4],
    ["amqp.annotation.x-opt-enqueued-time > '9999999999999'", 10],
    ["amqp.annotation.x-opt-enqueued-time > '0'", 2],
  ])('%s', (selector, expected) => {
    expect(startOf(filter(selector), log)).toBe(expected)
  })

  test('without a filter: from the first event kept', () => {
    expect(startOf(null, log)).toBe(2)
    expect(startOf(new Map(), log)).toBe(2)
  })

  test.each([
    '',
    'x',
    "amqp.annotation.x-opt-offset < '1'",
    "amqp.annotation.x-opt-other > '1'",
    "amqp.annotation.x-opt-offset > 'a'",
    "amqp.annotation.x-opt-enqueued-time > '@latest'",
  ])('%j is not a position', (selector) => {
    expect(() => startOf(filter(selector), log)).toThrow(AmqpError)
  })
})
