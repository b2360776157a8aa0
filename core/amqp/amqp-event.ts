import type { EncodedEvent } from '../transport.js'
import { code } from './code.js'
import { Slab } from './slab.js'

/** Content so long has a length of four bytes. */
const longestShortContent = 255
const shortHeadLength = 5
const longHeadLength = 8

/** How long a data section's head is: descriptor, constructor and length of the content. */
export function dataSectionHeadLength(contentLength: number): number {
  return contentLength <= longestShortContent ? shortHeadLength : longHeadLength
}

/** Writes a data section's head; returns where its content goes. */
export function writeDataSectionHead(buffer: Buffer, at: number, contentLength: number): number {
  let to = at
  buffer[to++] = code.described
  buffer[to++] = code.smallUlong
  buffer[to++] = code.data
  if (contentLength <= longestShortContent) {
    buffer[to++] = code.bin8
    buffer[to++] = contentLength
    return to
  }
  buffer[to++] = code.bin32
  return buffer.writeUInt32BE(contentLength, to)
}

/**
 * An event encoded as one AMQP message, inside the data section that a batch holds it in. It is a stretch of a
 * larger buffer, in which events that were encoded one after the other lie side by side: a batch of them is then
 * copied as one, and none needs a buffer of its own.
 */
export class AmqpEvent implements EncodedEvent {
  readonly slab: Slab
  /** Where in `slab` the data section begins; it is `sizeInBytes` long. */
  readonly start: number
  readonly sizeInBytes: number
  readonly partitionKey: string | undefined
  /** Where in the message its annotations section is; -1 without one. */
  readonly #annotationsStart: number
  readonly #annotationsEnd: number
  /** Where in the message an idempotent producer's stamps go; -1: nowhere. */
  readonly stampsAt: number

  constructor(
    slab: Slab,
    start: number,
    sizeInBytes: number,
    partitionKey: string | undefined,
    annotationsStart: number,
    annotationsEnd: number,
    stampsAt: number,
  ) {
    this.slab = slab
    slab.hold()
    this.start = start
    this.sizeInBytes = sizeInBytes
    this.partitionKey = partitionKey
    this.#annotationsStart = annotationsStart
    this.#annotationsEnd = annotationsEnd
    this.stampsAt = stampsAt
  }

  /** An event whose message is a buffer already, in a buffer of its own. */
  static of(
    message: Buffer,
    partitionKey: string | undefined,
    annotations: { readonly start: number; readonly end: number } | undefined,
    stampsAt = -1,
  ): AmqpEvent {
    const sizeInBytes = dataSectionHeadLength(message.length) + message.length
    const bytes = Buffer.allocUnsafe(sizeInBytes)
    message.copy(bytes, writeDataSectionHead(bytes, 0, message.length))
    const { start, end } = annotations ?? { start: -1, end: -1 }
    return new AmqpEvent(new Slab(bytes), 0, sizeInBytes, partitionKey, start, end, stampsAt)
  }

  get solo(): boolean {
    return false
  }

  get messageLength(): number {
    return this.start + this.sizeInBytes - this.#messageStart
  }

  /** The message. */
  get bytes(): Buffer {
    return this.slab.bytes.subarray(this.#messageStart, this.start + this.sizeInBytes)
  }

  /** The message-annotations section alone, as the envelope of a batch repeats it; undefined without annotations. */
  get annotations(): Buffer | undefined {
    if (this.#annotationsStart < 0) return undefined
    return this.slab.bytes.subarray(
      this.#messageStart + this.#annotationsStart,
      this.#messageStart + this.#annotationsEnd,
    )
  }

  get annotationsLength(): number {
    return this.#annotationsEnd - this.#annotationsStart
  }

  get #messageStart(): number {
    const isShort = this.sizeInBytes <= longestShortContent + shortHeadLength
    return this.start + (isShort ? shortHeadLength : longHeadLength)
  }
}
