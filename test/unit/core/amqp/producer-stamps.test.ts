import fc from 'fast-check'
import { message, types } from 'rhea-promise'
import { describe, expect, test } from 'vitest'
import { amqpCodec, encodeBatch, idempotentAmqpCodec, stampBatch } from '../../../../core/amqp/codec.js'
import { sequenceAfter } from '../../../../core/amqp/producer-stamps.js'
import { scanMessage } from '../../../../infra/local-hub/message-bytes.js'
import { dataOf, sectionBytes, sectionCode, typedMap } from '../../../support/amqp-sections.js'
import { annotated, eventData, maybe, text } from '../../../support/arbitrary-events.js'
import { seed } from '../../../support/seed.js'

const id = Buffer.from('0123456789abcdef', 'hex')
const stamps = (sequenceNumber: number) => ({
  'Sym8 com.microsoft:producer-epoch': ['Short', 3],
  'Sym8 com.microsoft:producer-id': ['Long', id],
  'Sym8 com.microsoft:producer-sequence-number': ['Int', sequenceNumber],
})

test(`every event of a batch bears its number beside its own annotations, and nothing else changes (SEED=${seed})`, () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.oneof(eventData, annotated), maybe(text)), { minLength: 1, maxLength: 5 }),
      fc.nat(2 ** 31 - 1),
      (items, first) => {
        const plain = items.map(([event, key]) => amqpCodec.encode(event, key))
        const encoded = items.map(([event, key]) => idempotentAmqpCodec.encode(event, key))
        const batch = encodeBatch(encoded)
        stampBatch(batch, encoded, { id, epoch: 3, first })
        const events = dataOf(batch)
        for (const [index, bytes] of events.entries()) {
          const before = plain[index]!
          expect(() => scanMessage(bytes)).not.toThrow()
          expect(typedMap(bytes, sectionCode.messageAnnotations)).toEqual({
            ...typedMap(before.bytes, sectionCode.messageAnnotations),
            ...stamps(sequenceAfter(first, index)),
          })
          const withoutAnnotations = (each: Buffer) => ({ ...message.decode(each), message_annotations: undefined })
          expect(withoutAnnotations(bytes)).toEqual(withoutAnnotations(before.bytes))
          expect(encoded[index]!.sizeInBytes - bytes.length).toBe(bytes.length <= 255 ? 5 : 8)
        }
        const isUniform = items.every(([, key]) => key === items[0]![1])
        expect(sectionBytes(batch, sectionCode.messageAnnotations)?.toString('hex')).toEqual(
          isUniform ? sectionBytes(events[0]!, sectionCode.messageAnnotations)?.toString('hex') : undefined,
        )
      },
    ),
    { numRuns: 600, seed },
  )
})

describe('stamps', () => {
  test('of another producer on a message that is sent on are replaced, not doubled', () => {
    const received = {
      bodyType: 'data' as const,
      body: 'x',
      messageAnnotations: {
        'com.microsoft:producer-id': types.wrap_long(7),
        'com.microsoft:producer-sequence-number': types.wrap_int(9),
        'x-mine': 'kept',
      },
    }
    const encoded = [idempotentAmqpCodec.encode(received, undefined)]
    const batch = encodeBatch(encoded)
    stampBatch(batch, encoded, { id, epoch: 3, first: 12 })
    expect(typedMap(dataOf(batch)[0]!, sectionCode.messageAnnotations)).toEqual({
      'Sym8 x-mine': ['Str8', 'kept'],
      ...stamps(12),
    })
    expect(Object.keys(received.messageAnnotations)).toHaveLength(3)
  })

  test('may be written again under other numbers', () => {
    const encoded = [idempotentAmqpCodec.encode({ body: 'a' }, 'key')]
    const batch = encodeBatch(encoded)
    for (const first of [5, 70_000, 1]) {
      stampBatch(batch, encoded, { id, epoch: 3, first })
      expect(typedMap(dataOf(batch)[0]!, sectionCode.messageAnnotations)).toMatchObject(stamps(first))
    }
  })

  test('count on from zero after the largest number', () => {
    expect(sequenceAfter(2 ** 31 - 1, 1)).toBe(0)
    expect(sequenceAfter(2 ** 31 - 2, 3)).toBe(1)
    expect(sequenceAfter(4, 0)).toBe(4)
  })
})
