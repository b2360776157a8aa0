import { describe, expect, test } from 'vitest'
import { BatchBuffers } from '../../../../core/amqp/batch-buffers.js'

const mib = 1024 * 1024

describe('batch buffers', () => {
  test('have exactly the size asked for', () => {
    const buffers = new BatchBuffers()
    for (const size of [0, 1, 65_535, 65_536, 65_537, mib - 1, mib, 3 * mib]) {
      expect(buffers.take(size)).toHaveLength(size)
    }
  })

  test('serve again for any batch that fits', () => {
    const buffers = new BatchBuffers()
    const first = buffers.take(900_000)
    buffers.giveBack(first)
    const second = buffers.take(mib)
    expect(second.buffer).toBe(first.buffer)
    expect(second).toHaveLength(mib)
  })

  test('are never handed out twice', () => {
    const buffers = new BatchBuffers()
    buffers.giveBack(buffers.take(900_000))
    expect(buffers.take(800_000).buffer).not.toBe(buffers.take(800_000).buffer)
  })

  test('are kept only up to a bound, however many come back', () => {
    const buffers = new BatchBuffers()
    const taken = Array.from({ length: 40 }, () => buffers.take(900_000))
    for (const batch of taken) buffers.giveBack(batch)
    expect(buffers.keptInBytes).toBe(8 * mib)
    buffers.giveBack(buffers.take(20 * mib))
    expect(buffers.keptInBytes).toBe(8 * mib)
  })

  test('that are small are not kept: they share their memory with others', () => {
    const buffers = new BatchBuffers()
    buffers.giveBack(buffers.take(1000))
    expect(buffers.keptInBytes).toBe(0)
  })
})
