/**
 * A stretch of memory in which events are encoded side by side. It lives until the last of its events is settled:
 * of the size of Node's own pool of small buffers, so that one event which lingers holds no more than it would there.
 */
export const slabSizeInBytes = 8 * 1024
/** How many lie ready for the next events at most; 8 MiB. */
const mostFreeSlabs = 1024

const freeSlabs: Slab[] = []

export class Slab {
  readonly bytes: Buffer
  /** How much of it is taken. */
  end = 0
  /** Events in it that may still be read. */
  #live = 0
  /** Whether more events are to come. */
  #isOpen = true

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  /** One for new events: fresh memory costs more than what is written into it, so it is used over and over. */
  static open(): Slab {
    const slab = freeSlabs.pop() ?? new Slab(Buffer.allocUnsafeSlow(slabSizeInBytes))
    slab.end = 0
    slab.#isOpen = true
    return slab
  }

  /** No more events go here. */
  close(): void {
    this.#isOpen = false
    this.#reuseIfFree()
  }

  hold(): void {
    this.#live++
  }

  /** One event less that may be read. Events that are never released leave the slab to the garbage collector. */
  release(): void {
    this.#live--
    this.#reuseIfFree()
  }

  #reuseIfFree(): void {
    if (this.#live > 0 || this.#isOpen || this.bytes.length !== slabSizeInBytes) return
    if (freeSlabs.length < mostFreeSlabs) freeSlabs.push(this)
  }
}
