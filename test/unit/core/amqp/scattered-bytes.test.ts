import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ScatteredBytes } from '../../../../core/amqp/scattered-bytes.js'
import { seed } from '../../../support/seed.js'

const content = fc.uint8Array({ minLength: 1, maxLength: 400 }).map((bytes) => Buffer.from(bytes))

/** The bytes cut at random places. */
function scattered(bytes: Buffer, cuts: readonly number[]): ScatteredBytes {
  const places = [...new Set([0, ...cuts.map((cut) => cut % bytes.length), bytes.length])].sort((a, b) => a - b)
  return new ScatteredBytes(
    places.slice(1).map((end, i) => bytes.subarray(places[i], end)),
    bytes.length,
  )
}

function joined({ chunks, length }: ScatteredBytes): Buffer {
  const bytes = Buffer.concat(chunks)
  expect(length).toBe(bytes.length)
  expect(chunks.every((chunk) => chunk.length > 0)).toBe(true)
  return bytes
}

test(`frames cut from bytes in several places, one after the other, are the bytes (SEED=${seed})`, () => {
  fc.assert(
    fc.property(content, fc.array(fc.nat(399)), fc.integer({ min: 1, max: 450 }), (bytes, cuts, frameSize) => {
      const whole = scattered(bytes, cuts)
      const frames: Buffer[] = []
      for (let start = 0; start < bytes.length; start += frameSize) {
        frames.push(joined(whole.slice(start, Math.min(start + frameSize, bytes.length))))
      }
      expect(frames.every((frame, i) => frame.length === Math.min(frameSize, bytes.length - i * frameSize))).toBe(true)
      expect(Buffer.concat(frames).equals(bytes)).toBe(true)
    }),
    { seed },
  )
})

test(`a slice is what a buffer’s would be, in whatever order slices are taken (SEED=${seed})`, () => {
  const ranges = fc.array(fc.tuple(fc.nat(400), fc.nat(400)), { minLength: 1, maxLength: 10 })
  fc.assert(
    fc.property(content, fc.array(fc.nat(399)), ranges, (bytes, cuts, pairs) => {
      const whole = scattered(bytes, cuts)
      for (const pair of pairs) {
        const [start = 0, end = 0] = pair.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b)
        expect(joined(whole.slice(start, end)).equals(bytes.subarray(start, end))).toBe(true)
      }
    }),
    { seed },
  )
})

test('nothing is copied', () => {
  const bytes = Buffer.alloc(100)
  for (const chunk of scattered(bytes, [10, 50]).slice(5, 60).chunks) expect(chunk.buffer).toBe(bytes.buffer)
})
