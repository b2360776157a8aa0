import { describe, expect, test } from 'vitest'
import { amqpCodec, batchMessageFormat, encodeBatch, scatteredBatch } from '../../../../core/amqp/codec.js'
import type { ScatteredBytes } from '../../../../core/amqp/scattered-bytes.js'
import type { EventInput } from '../../../../core/event-data.js'
import { dataOf, sectionCode, sectionsOf, typedMap } from '../../../support/amqp-sections.js'

const encode = (event: EventInput, key?: string) => amqpCodec.encode(event, key)

describe('a batch', () => {
  const sizeOf = (events: readonly ReturnType<typeof encode>[]) =>
    events.reduce((sum, event) => sum + event.sizeInBytes, amqpCodec.envelopeSizeInBytes(events[0]!))

  test('has Event Hubs’ own message format', () => {
    expect(batchMessageFormat).toBe(2_147_563_264)
  })

  test('is its events, one data section each, in order, byte for byte', () => {
    const events = ['a', 'b'.repeat(300), ''].map((body) => encode({ body, properties: { body } }))
    const batch = encodeBatch(events)
    expect(dataOf(batch)).toEqual(events.map(({ bytes }) => bytes))
    expect(sectionsOf(batch).map(({ code }) => code)).toEqual([0x75, 0x75, 0x75])
  })

  test('repeats the annotations of its first event in the envelope when all have one key', () => {
    const events = ['a', 'b'].map((body) => encode({ body }, 'k'))
    const batch = encodeBatch(events)
    expect(sectionsOf(batch).map(({ code }) => code)).toEqual([0x72, 0x75, 0x75])
    expect(typedMap(batch, sectionCode.messageAnnotations)).toEqual({ 'Sym8 x-opt-partition-key': ['Str8', 'k'] })
    // The very bytes that the event has.
    expect(sectionsOf(batch)[0]?.bytes).toEqual(sectionsOf(events[0]!.bytes).find(({ code }) => code === 0x72)?.bytes)
  })

  test('leaves them out where keys differ, keyed and unkeyed too: the link’s partition has been chosen already', () => {
    for (const keys of [
      ['k', 'l'],
      ['k', undefined],
      [undefined, 'k'],
      ['', undefined],
    ]) {
      const batch = encodeBatch(keys.map((key) => encode({ body: 'b' }, key)))
      expect(sectionsOf(batch).map(({ code }) => code)).toEqual([0x75, 0x75])
    }
  })

  test.each([254, 255, 256, 257, 65_535, 65_536])('is as large as it says where an event takes %i bytes', (length) => {
    const overhead = encode({ body: '' }).bytes.length
    // The body's own section grows from 3 to 6 bytes of header beyond 255.
    const fits = [length - overhead, length - overhead - 3].find(
      (size) => size >= 0 && encode({ body: 'x'.repeat(size) }).bytes.length === length,
    )
    const event = encode({ body: 'x'.repeat(fits ?? -1) })
    expect(event.bytes).toHaveLength(length)
    expect(event.sizeInBytes).toBe(length + (length <= 255 ? 5 : 8))
    const events = [event, event, encode({ body: 'y' })]
    expect(encodeBatch(events)).toHaveLength(sizeOf(events))
    expect(dataOf(encodeBatch(events))).toEqual(events.map(({ bytes }) => bytes))
  })

  test('is as large as it says with keys of every length around 255', () => {
    for (const length of [0, 1, 253, 254, 255, 256, 257, 5000]) {
      const events = ['a', 'b'].map((body) => encode({ body }, 'k'.repeat(length)))
      expect([length, encodeBatch(events).length]).toEqual([length, sizeOf(events)])
    }
  })

  test('of mixed keys is no larger than its events say', () => {
    const events = ['k', 'l', undefined].map((key) => encode({ body: 'b' }, key))
    const sum = events.reduce((total, event) => total + event.sizeInBytes, 0)
    expect(encodeBatch(events)).toHaveLength(sum)
    expect(sum).toBeLessThan(sizeOf(events))
  })
})

describe('a batch in several places', () => {
  /** Events of so many partitions, written in turns; those of the first one. */
  const ofOnePartition = (partitionCount: number, isLaneKnown: boolean, bodies: readonly string[], key?: string) => {
    const events = bodies.flatMap((body) =>
      Array.from({ length: partitionCount }, (_, i) =>
        amqpCodec.encode({ body }, key, isLaneKnown ? `${i}` : undefined),
      ),
    )
    return events.filter((_, i) => i % partitionCount === 0)
  }
  const small = Array.from({ length: 1000 }, (_, i) => 'x'.repeat(200 + (i % 100)))
  const mixed = Array.from({ length: 500 }, (_, i) => 'x'.repeat([0, 255, 256, 2000, 8100, 8200, 70_000][i % 7] ?? 0))

  /** Long stretches: the number of partitions that are written in turns, whether each has a lane, bodies. */
  const scattered: [number, boolean, string[]][] = [
    [1, false, small],
    [3, true, small],
    [3, false, mixed],
    [1, true, ['x'.repeat(70_000)]],
  ]

  test('is the same message as the one in a single buffer', () => {
    for (const key of [undefined, 'key']) {
      for (const [partitionCount, isLaneKnown, bodies] of scattered) {
        const events = ofOnePartition(partitionCount, isLaneKnown, bodies, key)
        const { chunks, length } = scatteredBatch(events) as ScatteredBytes
        const whole = encodeBatch(events)
        expect(length).toBe(whole.length)
        expect(Buffer.concat(chunks).equals(whole)).toBe(true)
      }
    }
  })

  test('is copied when it is small, or when each of its small events lies alone: a write of each would cost more', () => {
    expect(scatteredBatch(ofOnePartition(1, true, small.slice(0, 100)))).toBe(undefined)
    expect(scatteredBatch(ofOnePartition(3, false, small))).toBe(undefined)
    expect(scatteredBatch(ofOnePartition(1, true, ['']))).toBe(undefined)
  })
})
