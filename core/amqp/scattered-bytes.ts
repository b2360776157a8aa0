/**
 * The bytes of a message that lie in several places, in order. It has what rhea asks of a payload that it only cuts
 * into frames: a length, and slices. Nothing is copied.
 */
export class ScatteredBytes {
  readonly length: number
  readonly chunks: readonly Buffer[]
  /** Where the last slice ended: the next one begins there, most often. */
  #last = { index: 0, at: 0 }

  constructor(chunks: readonly Buffer[], length: number) {
    this.chunks = chunks
    this.length = length
  }

  /** As of a buffer, for offsets within. */
  slice(start: number, end: number): ScatteredBytes {
    let { index, at } = this.#last.at <= start ? this.#last : { index: 0, at: 0 }
    const chunks: Buffer[] = []
    for (let chunk = this.chunks[index]; chunk !== undefined && at < end; chunk = this.chunks[++index]) {
      const chunkEnd = at + chunk.length
      if (chunkEnd > start && start < end) {
        const isWhole = at >= start && chunkEnd <= end
        chunks.push(isWhole ? chunk : chunk.subarray(Math.max(0, start - at), end - at))
      }
      if (chunkEnd > end) break
      at = chunkEnd
    }
    this.#last = { index, at }
    return new ScatteredBytes(chunks, end - start)
  }
}
