import { beforeEach, describe, expect, test } from 'vitest'
import type { AmqpEvent } from '../../../../core/amqp/amqp-event.js'
import { encodeBatch, idempotentAmqpCodec } from '../../../../core/amqp/codec.js'
import { IdempotentProducer } from '../../../../core/amqp/idempotent-producer.js'
import { EventHubError, type FailureOutcome } from '../../../../core/errors.js'
import { dataOf, sectionCode, typedMap } from '../../../support/amqp-sections.js'

const names = {
  id: 'com.microsoft:producer-id',
  epoch: 'com.microsoft:producer-epoch',
  sequenceNumber: 'com.microsoft:producer-sequence-number',
}
const answer = (id: number | Buffer, epoch: number, sequenceNumber: number) => ({
  [names.id]: id,
  [names.epoch]: epoch,
  [names.sequenceNumber]: sequenceNumber,
})
const batch = (...bodies: string[]) => bodies.map((body) => idempotentAmqpCodec.encode({ body }, undefined))
const failure = (outcome: FailureOutcome, code: EventHubError['code'] = 'connection-lost') =>
  new EventHubError('failed', { code, outcome })

let producer: IdempotentProducer
let warnings: string[]

beforeEach(() => {
  warnings = []
  producer = new IdempotentProducer('0', { warn: (line) => warnings.push(line) })
})

/** The sequence numbers that the events leave with. */
function numbersOf(events: readonly AmqpEvent[]): number[] {
  const bytes = encodeBatch(events)
  producer.stamp(events, bytes)
  return dataOf(bytes).map((event) => {
    const annotations = typedMap(event, sectionCode.messageAnnotations)
    return annotations[`Sym8 ${names.sequenceNumber}`]?.[1] as number
  })
}

function attach(id: number | Buffer, epoch: number, sequenceNumber: number): void {
  producer.attached(producer.attach(), answer(id, epoch, sequenceNumber))
}

describe('an idempotent producer', () => {
  test('lets the service name it, then goes by that name without telling a number', () => {
    expect(producer.attach().properties).toEqual({})
    attach(2 ** 40, 2, 7)
    const { properties } = producer.attach()
    expect(Object.keys(properties).sort()).toEqual(Object.values(names).sort())
    expect(properties[names.sequenceNumber]).toBeNull()
  })

  test('counts on from what the service has, batch after batch', () => {
    attach(5, 0, 10)
    const [first, second] = [batch('a', 'b'), batch('c')]
    expect(numbersOf(first)).toEqual([11, 12])
    producer.accepted(first)
    expect(numbersOf(second)).toEqual([13])
  })

  test('sends a batch again under the same numbers', () => {
    attach(5, 0, 10)
    const events = batch('a', 'b')
    numbersOf(events)
    producer.failed(events, failure('unknown'))
    expect(producer.mustStartAfresh(events)).toBe(false)
    expect(numbersOf(events)).toEqual([11, 12])
  })

  test.each([
    ['has it', 12],
    ['has it not', 10],
  ])('keeps the numbers of a batch in doubt over a new link when the service %s', (_, known) => {
    attach(5, 0, 10)
    const events = batch('a', 'b')
    numbersOf(events)
    producer.failed(events, failure('unknown'))
    attach(5, 0, known)
    expect(numbersOf(events)).toEqual([11, 12])
    producer.accepted(events)
    expect(numbersOf(batch('c'))).toEqual([13])
    expect(warnings).toEqual([])
  })

  test('gives the numbers of a batch that was refused to the next', () => {
    attach(5, 0, 10)
    const refused = batch('a', 'b')
    numbersOf(refused)
    producer.failed(refused, failure('refused', 'quota-exceeded'))
    expect(producer.mustStartAfresh(batch('c'))).toBe(false)
    expect(numbersOf(batch('c'))).toEqual([11])
  })

  test('does not take a refusal of the second copy for the fate of the first', () => {
    attach(5, 0, 10)
    const events = batch('a')
    numbersOf(events)
    producer.failed(events, failure('unknown'))
    producer.failed(events, failure('refused', 'server-busy'))
    expect(producer.mustStartAfresh(batch('b'))).toBe(true)
  })

  test('starts afresh once a batch in doubt was given up', () => {
    attach(5, 0, 10)
    const givenUp = batch('a')
    numbersOf(givenUp)
    producer.failed(givenUp, failure('unknown'))
    expect(producer.mustStartAfresh(batch('b'))).toBe(true)
    producer.startAfresh()
    expect(producer.attach().properties).toEqual({})
    attach(6, 0, 0)
    expect(numbersOf(batch('b'))).toEqual([1])
  })

  test.each(['out-of-order-sequence', 'producer-epoch-stolen'] as const)('starts afresh after %s', (code) => {
    attach(5, 0, 10)
    const events = batch('a')
    numbersOf(events)
    producer.failed(events, failure('refused', code))
    expect(producer.mustStartAfresh(batch('b'))).toBe(true)
  })

  test('takes the numbers of a service that lost track, and says that a second copy may be stored', () => {
    attach(5, 0, 10)
    const events = batch('a')
    numbersOf(events)
    producer.failed(events, failure('unknown'))
    attach(5, 0, 3)
    expect(numbersOf(events)).toEqual([4])
    expect(warnings.join()).toContain('stored twice')
  })

  test('pays no heed to an answer that comes after a newer attach', () => {
    const old = producer.attach()
    attach(5, 0, 10)
    producer.attached(old, answer(9, 9, 99))
    expect(numbersOf(batch('a'))).toEqual([11])
  })

  test('takes an id beyond 53 bits, which rhea reads as bytes', () => {
    const id = Buffer.from('7fffffffffffffff', 'hex')
    attach(id, 1, 0)
    const events = batch('a')
    const bytes = encodeBatch(events)
    producer.stamp(events, bytes)
    const annotations = typedMap(dataOf(bytes)[0]!, sectionCode.messageAnnotations)
    expect(annotations[`Sym8 ${names.id}`]).toEqual(['Long', id])
  })

  test('says so when the service does not offer it', () => {
    for (const nothing of [undefined, {}, { [names.id]: 1 }]) {
      expect(() => producer.attached(producer.attach(), nothing)).toThrow(/does not offer idempotent producers/)
    }
  })
})
