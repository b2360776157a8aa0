import { expect, test } from 'vitest'
import { laneOf, Slab, slabSizeInBytes } from '../../../../core/amqp/slab.js'

/** A slab whose memory is known, to see whether it is handed out again. */
function openSlab(): Slab {
  const slab = Slab.open()
  slab.end = 100
  slab.hold()
  return slab
}

/** The memory that the next slabs take, as many as there can be free ones. */
function nextSlabs(): Set<Buffer> {
  return new Set(Array.from({ length: 50 }, () => Slab.open().bytes))
}

test('a slab is used again once it is closed and its last event is released, not before', () => {
  const slab = openSlab()
  slab.hold()
  slab.close()
  slab.release()
  expect(nextSlabs()).not.toContain(slab.bytes)
  slab.release()
  const next = Slab.open()
  expect(next.bytes).toBe(slab.bytes)
  expect(next.end).toBe(0)
})

test('an open slab begins anew when nothing in it will be read', () => {
  const slab = openSlab()
  slab.hold()
  slab.release()
  expect(slab.end).toBe(100)
  slab.release()
  expect(slab.end).toBe(0)
})

test('an abandoned slab is never written again: a socket may still hold its bytes', () => {
  const closed = openSlab()
  closed.close()
  closed.abandon()
  closed.release()
  expect(nextSlabs()).not.toContain(closed.bytes)

  const open = openSlab()
  open.abandon()
  open.release()
  expect(open.end).toBe(100)
  open.close()
  expect(nextSlabs()).not.toContain(open.bytes)
})

test('a buffer of another size is left to the garbage collector', () => {
  const bytes = Buffer.alloc(slabSizeInBytes + 1)
  const slab = new Slab(bytes)
  slab.hold()
  slab.close()
  slab.release()
  expect(nextSlabs()).not.toContain(bytes)
})

test('each partition has a lane of its own, up to a bound; further ones share the one of unknown partitions', () => {
  const named = Array.from({ length: 300 }, (_, i) => laneOf(`slab-test-${i}`))
  expect(laneOf('slab-test-0')).toBe(named[0])
  const own = new Set(named.filter((lane) => lane !== laneOf(undefined)))
  expect(own.size).toBeGreaterThan(30)
  expect(own.size).toBeLessThanOrEqual(128)
  expect(laneOf('slab-test-299')).toBe(laneOf(undefined))
})
