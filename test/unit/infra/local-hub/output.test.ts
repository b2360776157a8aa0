import { Duplex } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Output } from '../../../../infra/local-hub/amqp/output.js'

let written: string[]
let stream: Duplex
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  written = []
  stream = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => {
      written.push(String(chunk))
      done()
    },
  })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('what goes out to a peer', () => {
  test('leaves at once without latency, and later by just the latency with it', () => {
    let latency = 0
    const output = new Output(
      stream,
      () => latency,
      () => {},
    )
    output.write(Buffer.from('now'))
    latency = 100
    output.write(Buffer.from('later'))
    expect(written).toEqual(['now'])
    vi.advanceTimersByTime(99)
    expect(written).toEqual(['now'])
    vi.advanceTimersByTime(1)
    expect(written).toEqual(['now', 'later'])
    output.write(Buffer.from('a'))
    vi.advanceTimersByTime(60)
    output.write(Buffer.from('b'))
    vi.advanceTimersByTime(40)
    expect(written.slice(2)).toEqual(['a'])
    vi.advanceTimersByTime(60)
    expect(written.slice(2)).toEqual(['a', 'b'])
  })

  test('keeps its order when the latency is lowered, and ends after the last of it', () => {
    let latency = 100
    const output = new Output(
      stream,
      () => latency,
      () => {},
    )
    output.write(Buffer.from('first'))
    latency = 10
    output.write(Buffer.from('second'))
    latency = 0
    output.write(Buffer.from('third'))
    output.end()
    output.write(Buffer.from('too late'))
    vi.advanceTimersByTime(99)
    expect([written, stream.writableEnded]).toEqual([[], false])
    vi.advanceTimersByTime(1)
    expect([written, stream.writableEnded]).toEqual([['first', 'second', 'third'], true])
  })

  test('stops for good once muted, with what was on its way; the stream stays open', () => {
    let latency = 50
    const output = new Output(
      stream,
      () => latency,
      () => {},
    )
    output.write(Buffer.from('on its way'))
    output.mute()
    output.write(Buffer.from('more'))
    latency = 0
    output.write(Buffer.from('still more'))
    output.end()
    vi.advanceTimersByTime(1000)
    expect([written, stream.writableEnded, stream.destroyed]).toEqual([[], false, false])
    output.destroy()
    expect(stream.destroyed).toBe(true)
  })

  test('that waits for its latency counts as not taken, and leaving says that there is room', () => {
    let drained = 0
    const output = new Output(
      stream,
      () => 50,
      () => drained++,
    )
    output.write(Buffer.alloc(1024 * 1024))
    expect(output.congested).toBe(false)
    output.write(Buffer.alloc(1))
    expect(output.congested).toBe(true)
    vi.advanceTimersByTime(50)
    expect(output.congested).toBe(false)
    expect(drained).toBeGreaterThan(0)
  })
})
