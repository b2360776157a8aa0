import { decodeError } from './errors.js'

/** A cursor over bytes from a peer that is not trusted: every step is checked against the end. */
export class Reader {
  readonly bytes: Buffer
  position: number
  readonly end: number

  constructor(bytes: Buffer, position = 0, end = bytes.length) {
    this.bytes = bytes
    this.position = position
    this.end = end
  }

  get remaining(): number {
    return this.end - this.position
  }

  take(length: number): Buffer {
    if (length > this.remaining) throw decodeError('The data ends inside a value.')
    const start = this.position
    this.position += length
    return this.bytes.subarray(start, this.position)
  }

  byte(): number {
    if (this.remaining < 1) throw decodeError('The data ends inside a value.')
    const value = this.bytes.readUInt8(this.position)
    this.position += 1
    return value
  }

  uint32(): number {
    return this.take(4).readUInt32BE(0)
  }

  /** Reads a length or a count, one or four bytes wide. */
  size(wide: boolean): number {
    return wide ? this.uint32() : this.byte()
  }
}
