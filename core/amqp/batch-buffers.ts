/** Smaller ones are cheap enough to make anew. */
const smallestKeptInBytes = 64 * 1024
/** Most that is kept for the next batches, in all. */
const mostKeptInBytes = 8 * 1024 * 1024

/**
 * Buffers for batches, used over and over: a fresh one of a megabyte costs more than what is written into it.
 * One may come back only when the peer has accepted its batch, for then all of it has left.
 */
export class BatchBuffers {
  readonly #kept: Buffer[] = []
  #keptInBytes = 0

  /** Bytes that lie ready. */
  get keptInBytes(): number {
    return this.#keptInBytes
  }

  /** A buffer of exactly this size, whose content is arbitrary. */
  take(sizeInBytes: number): Buffer {
    if (sizeInBytes < smallestKeptInBytes) return Buffer.allocUnsafe(sizeInBytes)
    const index = this.#kept.findIndex((buffer) => buffer.length >= sizeInBytes)
    const found = index < 0 ? undefined : this.#kept.splice(index, 1)[0]
    if (found) this.#keptInBytes -= found.length
    // Sizes of batches differ by a little: in powers of two one serves for the other.
    const buffer = found ?? Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(sizeInBytes)))
    return buffer.subarray(0, sizeInBytes)
  }

  /** Takes back what `take` gave. */
  giveBack(batch: Buffer): void {
    const whole = Buffer.from(batch.buffer, 0, batch.buffer.byteLength)
    if (batch.length < smallestKeptInBytes || this.#keptInBytes + whole.length > mostKeptInBytes) return
    this.#kept.push(whole)
    this.#keptInBytes += whole.length
  }
}
