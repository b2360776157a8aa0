import { AmqpError } from './errors.js'
import { Reader } from './reader.js'

export const protocol = { amqp: 0, sasl: 3 } as const
export const frameType = { amqp: 0, sasl: 1 } as const

export interface Header {
  readonly kind: 'header'
  readonly protocolId: number
  /** Whether it is AMQP 1.0 at all. */
  readonly supported: boolean
}

export interface Frame {
  readonly kind: 'frame'
  readonly type: number
  readonly channel: number
  readonly body: Reader
}

export type Unit = Header | Frame

const magic = Buffer.from('AMQP', 'ascii')

export function protocolHeader(protocolId: number): Buffer {
  return Buffer.from([...magic, protocolId, 1, 0, 0])
}

export function frame(type: number, channel: number, body: Buffer, payload?: Buffer): Buffer {
  const size = 8 + body.length + (payload?.length ?? 0)
  const head = Buffer.alloc(8)
  head.writeUInt32BE(size, 0)
  head[4] = 2
  head[5] = type
  head.writeUInt16BE(channel, 6)
  return Buffer.concat(payload === undefined ? [head, body] : [head, body, payload], size)
}

/**
 * Cuts a byte stream into protocol headers and frames. Holds at most one incomplete unit, and refuses a frame as soon
 * as its size field claims more than the limit that was advertised.
 */
export class UnitParser {
  readonly #maxFrameSize: number
  #pending: Buffer = Buffer.alloc(0)
  #expectHeader = true

  constructor(maxFrameSize: number) {
    this.#maxFrameSize = maxFrameSize
  }

  push(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
  }

  /** The next unit is a protocol header: so it is at the start, and after SASL. */
  expectHeader(): void {
    this.#expectHeader = true
  }

  next(): Unit | undefined {
    return this.#expectHeader ? this.#nextHeader() : this.#nextFrame()
  }

  #nextHeader(): Unit | undefined {
    const bytes = this.#pending
    const known = Math.min(bytes.length, magic.length)
    const supported = bytes.subarray(0, known).equals(magic.subarray(0, known))
    // What cannot become a header any more is refused at once, not when eight bytes are there.
    if (supported && bytes.length < 8) return undefined
    this.#pending = bytes.subarray(8)
    this.#expectHeader = false
    const version = bytes[5] === 1 && bytes[6] === 0 && bytes[7] === 0
    return { kind: 'header', protocolId: bytes[4] ?? -1, supported: supported && version }
  }

  #nextFrame(): Unit | undefined {
    const bytes = this.#pending
    if (bytes.length < 8) return undefined
    const size = bytes.readUInt32BE(0)
    const bodyOffset = (bytes[4] ?? 0) * 4
    if (size < 8 || bodyOffset < 8 || bodyOffset > size) {
      throw new AmqpError('amqp:connection:framing-error', 'A frame has an impossible size or data offset.')
    }
    if (size > this.#maxFrameSize) {
      throw new AmqpError(
        'amqp:connection:framing-error',
        `A frame of ${size} bytes exceeds the limit of ${this.#maxFrameSize} bytes.`,
      )
    }
    if (bytes.length < size) return undefined
    this.#pending = bytes.subarray(size)
    return {
      kind: 'frame',
      type: bytes[5] ?? 0,
      channel: bytes.readUInt16BE(6),
      body: new Reader(bytes, bodyOffset, size),
    }
  }
}
