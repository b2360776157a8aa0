import { Duplex } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { AmqpConnection } from '../../../../infra/local-hub/amqp/connection.js'
import * as encode from '../../../../infra/local-hub/amqp/encoder.js'
import { frame, protocolHeader } from '../../../../infra/local-hub/amqp/frames.js'
import type { Delivery, LinkHandler, OutgoingLinkHandler } from '../../../../infra/local-hub/amqp/link-types.js'
import { MemoryBudget } from '../../../../infra/local-hub/amqp/memory-budget.js'
import type { OutgoingLink } from '../../../../infra/local-hub/amqp/outgoing-link.js'
import { code, writePerformative } from '../../../../infra/local-hub/amqp/performatives.js'

const amqp = (performative: Buffer): Buffer => frame(0, 0, performative)
const open = amqp(writePerformative(code.open, { 0: encode.string('peer') }))
const begin = (window = 2048): Buffer =>
  amqp(writePerformative(code.begin, { 1: encode.uint(0), 2: encode.uint(window), 3: encode.uint(2048) }))
const flow = (fields: Record<number, Buffer>): Buffer =>
  amqp(writePerformative(code.flow, { 1: encode.uint(2048), 2: encode.uint(0), 3: encode.uint(2048), ...fields }))
const echo = flow({ 0: encode.uint(0), 9: encode.boolean(true) })

/** A peer whose reading the test controls: nothing is taken before `take()`. */
function slowPeer(): { stream: Duplex; written: Buffer[]; take(): void } {
  const written: Buffer[] = []
  let taken = (): void => {}
  const stream = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => {
      written.push(chunk)
      taken = done
    },
  })
  return { stream, written, take: () => taken() }
}

function connectionTo(stream: Duplex, handler: LinkHandler, budget = new MemoryBudget(1_000_000)): AmqpConnection {
  const settings = {
    containerId: 'hub',
    maxFrameSizeInBytes: 65_536,
    idleTimeoutInMs: 0,
    saslRequired: false,
    budget,
    latencyInMs: () => 0,
    log: () => {},
  }
  return new AmqpConnection(1, stream, settings, {
    authenticatePlain: () => false,
    openLink: () => handler,
    onClose: () => {},
  })
}

const ignoring: OutgoingLinkHandler = {
  kind: 'outgoing',
  maxMessageSizeInBytes: 1000,
  onOpen: () => {},
  onRoom: () => {},
  onClose: () => {},
}

const nextTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a peer that does not read', () => {
  test('is not read from either, until it has taken its answers', async () => {
    const { stream, take } = slowPeer()
    connectionTo(stream, ignoring)
    stream.push(Buffer.concat([protocolHeader(0), open, begin()]))
    const questions = Buffer.concat(Array.from({ length: 1000 }, () => echo))
    let pushed = 0
    while (!stream.isPaused() && pushed < 200) {
      stream.push(questions)
      pushed++
      await nextTick()
    }
    // About a mebibyte of answers waits; without a limit all two hundred thousand questions would have been taken.
    expect(pushed).toBeLessThan(100)
    expect(stream.writableLength).toBeGreaterThan(1024 * 1024)
    expect(stream.writableLength).toBeLessThan(1.2 * 1024 * 1024)
    while (stream.writableLength > 0) {
      take()
      await nextTick()
    }
    expect(stream.isPaused()).toBe(false)
    stream.destroy()
  })
})

describe('the session window', () => {
  test('a message larger than the window waits with its rest, and no other is begun before it', async () => {
    const { stream, written, take } = slowPeer()
    let link: OutgoingLink | undefined
    const onOpen = (opened: OutgoingLink): void => {
      link = opened
    }
    connectionTo(stream, { ...ignoring, onOpen })
    const source = encode.described(code.source, encode.list([encode.string('hub')]))
    const attach = amqp(
      writePerformative(code.attach, { 0: encode.string('l'), 1: encode.uint(0), 2: encode.boolean(true), 5: source }),
    )
    const credit = flow({ 1: encode.uint(2), 4: encode.uint(0), 5: encode.uint(0), 6: encode.uint(10) })
    stream.push(Buffer.concat([protocolHeader(0), open, begin(2), attach, credit]))
    await nextTick()
    const transfers = async (): Promise<number> => {
      while (stream.writableLength > 0) {
        take()
        await nextTick()
      }
      return written.filter((bytes) => bytes[10] === code.transfer).length
    }
    expect(link?.hasRoom).toBe(true)
    // The peer's open named no frame size, so frames have 65,536 bytes, and this takes four.
    link?.send(Buffer.alloc(65_536 * 3))
    expect(await transfers()).toBe(2)
    expect(link?.hasRoom).toBe(false)
    // Room for two from the first frame on: those two have left already.
    stream.push(flow({ 0: encode.uint(0), 1: encode.uint(2) }))
    await nextTick()
    expect(await transfers()).toBe(2)
    stream.push(flow({ 0: encode.uint(2), 1: encode.uint(1) }))
    await nextTick()
    expect(await transfers()).toBe(3)
    expect(link?.hasRoom).toBe(false)
    stream.push(flow({ 0: encode.uint(3), 1: encode.uint(0xffffffff) }))
    await nextTick()
    expect(await transfers()).toBe(4)
    expect(link?.hasRoom).toBe(true)
    stream.destroy()
  })
})

describe('a message that is too large', () => {
  test('is counted to its end and not kept; one that is just small enough is whole', async () => {
    const { stream } = slowPeer()
    const deliveries: Delivery[] = []
    const budget = new MemoryBudget(1_000_000)
    connectionTo(
      stream,
      {
        kind: 'incoming',
        maxMessageSizeInBytes: 1000,
        creditWindow: () => 10,
        onOpen: () => {},
        onClose: () => {},
        onDelivery: (delivery) => deliveries.push(delivery),
      },
      budget,
    )
    const target = encode.described(code.target, encode.list([encode.string('hub')]))
    const attach = amqp(
      writePerformative(code.attach, { 0: encode.string('l'), 1: encode.uint(0), 2: encode.boolean(false), 6: target }),
    )
    const transfer = (id: number, size: number, more: boolean): Buffer => {
      const fields = {
        0: encode.uint(0),
        1: encode.uint(id),
        2: encode.binary(Buffer.from([id])),
        5: encode.boolean(more),
      }
      return frame(0, 0, writePerformative(code.transfer, fields), Buffer.alloc(size, id))
    }
    stream.push(Buffer.concat([protocolHeader(0), open, begin(), attach]))
    for (let i = 0; i < 100; i++) {
      stream.push(transfer(1, 900, i < 99))
      await nextTick()
      expect(budget.usedInBytes).toBeLessThanOrEqual(1000)
    }
    stream.push(Buffer.concat([transfer(2, 400, true), transfer(2, 600, false), transfer(3, 1000, false)]))
    await nextTick()
    expect(deliveries.map(({ sizeInBytes, bytes }) => [sizeInBytes, bytes.length])).toEqual([
      [90_000, 0],
      [1000, 1000],
      [1000, 1000],
    ])
    expect(deliveries[1]?.bytes).toEqual(Buffer.alloc(1000, 2))
    expect(budget.usedInBytes).toBe(0)
    stream.push(transfer(4, 500, true))
    await nextTick()
    expect(budget.usedInBytes).toBe(500)
    stream.destroy()
    await nextTick()
    expect(budget.usedInBytes).toBe(0)
  })
})
