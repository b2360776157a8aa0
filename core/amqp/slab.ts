/**
 * A stretch of memory in which events are encoded side by side. It lives until the last of its events is settled:
 * twice Node's own pool of small buffers, so that one event which lingers holds little more than it would there.
 */
export const slabSizeInBytes = 16 * 1024
/** How many lie ready for the next events at most; 32 MiB, half of what may be buffered by default. */
const mostFreeSlabs = 2048
/** Each keeps one slab open; the events of further ones go side by side. */
const mostLanes = 128

const freeSlabs: Slab[] = []

export class Slab {
  readonly bytes: Buffer
  /** How much of it is taken. */
  end = 0
  /** Events in it that may still be read. */
  #live = 0
  /** Whether more events are to come. */
  #isOpen = true
  #isReusable: boolean

  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.#isReusable = bytes.length === slabSizeInBytes
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
    if (this.#live === 0) this.#reuse()
  }

  hold(): void {
    this.#live++
  }

  /** One event less that may be read. Events that are never released leave the slab to the garbage collector. */
  release(): void {
    this.#live--
    if (this.#live === 0) this.#reuse()
  }

  /** Its bytes may be read by a socket for as long as that lives: they are never written again. */
  abandon(): void {
    this.#isReusable = false
  }

  #reuse(): void {
    if (!this.#isReusable) return
    if (this.#isOpen) this.end = 0
    else if (freeSlabs.length < mostFreeSlabs) freeSlabs.push(this)
  }
}

/** Where the next events of one kind go: events that will share a batch then lie side by side. */
export class Lane {
  slab = Slab.open()

  /** Goes on in another slab. */
  moveOn(): Slab {
    this.slab.close()
    this.slab = Slab.open()
    return this.slab
  }
}

const sharedLane = new Lane()
const lanes = new Map<string, Lane>()

/** The lane of a partition; undefined: that of all events whose partition is not known. */
export function laneOf(partitionId: string | undefined): Lane {
  if (partitionId === undefined) return sharedLane
  const known = lanes.get(partitionId)
  if (known) return known
  if (lanes.size === mostLanes) return sharedLane
  const lane = new Lane()
  lanes.set(partitionId, lane)
  return lane
}
