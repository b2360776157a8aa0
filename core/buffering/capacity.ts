/** Capacity key of events that go wherever the service puts them. */
export const serviceCapacity = ''
/** Capacity key of events whose partition is not known yet. No partition has this id. */
export const unroutedCapacity = '?'

/** What is to be held: some events, and their bytes. */
export interface Load {
  readonly count: number
  readonly sizeInBytes: number
}

export interface CapacityWaiter {
  /** Stops waiting. No effect once granted. */
  cancel(): void
}

interface Waiting {
  readonly load: Load
  readonly grant: () => void
}

/**
 * Bounds what is held in memory: events per partition, and bytes in all. Whoever finds no room waits,
 * first come, first served within a partition; and while someone waits for bytes, nobody is let past.
 */
export class Capacity {
  readonly #maxEventsPerPartition: number
  readonly #maxSizeInBytes: number
  readonly #onFull: (key: string | undefined) => void
  readonly #events = new Map<string, number>()
  readonly #waiting = new Map<string, Set<Waiting>>()
  /** Of these, those whose partition is not known yet. */
  #unrouted = 0
  #sizeInBytes = 0
  /** The key of someone who waits for bytes alone; the others wait behind it. */
  #bytesWantedAt: string | undefined
  #draining: 'no' | 'yes' | 'again' = 'no'

  /**
   * @param onFull told when someone waits for room: what lies in open batches for `key` (undefined: for any)
   *   should leave now
   */
  constructor(maxEventsPerPartition: number, maxSizeInBytes: number, onFull: (key: string | undefined) => void) {
    this.#maxEventsPerPartition = maxEventsPerPartition
    this.#maxSizeInBytes = maxSizeInBytes
    this.#onFull = onFull
  }

  hasRoom(key: string, load: Load): boolean {
    return this.#hasBytes(load) && this.#hasPlaces(key, load)
  }

  /** Takes room, unless there is none or others already wait for it. */
  tryAcquire(key: string, load: Load): boolean {
    if (this.#waiting.has(key) || this.#bytesWantedAt !== undefined || !this.hasRoom(key, load)) return false
    this.#add(key, load.count, load.sizeInBytes)
    return true
  }

  /** Queues for room; `grant` is called, synchronously within a later `release`, once it has been taken. */
  wait(key: string, load: Load, grant: () => void): CapacityWaiter {
    const waiting: Waiting = { load, grant }
    if (this.#hasPlaces(key, load) && !this.#hasBytes(load)) this.#bytesWantedAt ??= key
    const queue = this.#waiting.get(key)
    if (queue) queue.add(waiting)
    else {
      this.#waiting.set(key, new Set([waiting]))
      this.#askForRoom(key)
    }
    return {
      cancel: () => {
        const queued = this.#waiting.get(key)
        if (!queued?.delete(waiting)) return
        if (queued.size === 0) this.#waiting.delete(key)
        // Whoever waited behind it may fit.
        this.#drain()
      },
    }
  }

  release(key: string, load: Load): void {
    this.#add(key, -load.count, -load.sizeInBytes)
    this.#drain()
  }

  /** Events whose partition has become known. */
  move(from: string, to: string, count: number): void {
    this.#add(from, -count, 0)
    this.#add(to, count, 0)
    this.#drain()
  }

  #hasBytes({ sizeInBytes }: Load): boolean {
    // What is larger than the whole limit must still get through when it is alone.
    return this.#sizeInBytes === 0 || this.#sizeInBytes + sizeInBytes <= this.#maxSizeInBytes
  }

  #hasPlaces(key: string, { count }: Load): boolean {
    const occupied = this.#occupied(key)
    return occupied === 0 || occupied + count <= this.#maxEventsPerPartition
  }

  #askForRoom(key: string): void {
    // Only a full partition is helped by that partition's batches alone.
    const isPartitionFull = key !== unroutedCapacity && this.#occupied(key) >= this.#maxEventsPerPartition
    this.#onFull(isPartitionFull ? key : undefined)
  }

  #add(key: string, count: number, sizeInBytes: number): void {
    if (key === unroutedCapacity) this.#unrouted += count
    const events = (this.#events.get(key) ?? 0) + count
    if (events === 0) this.#events.delete(key)
    else this.#events.set(key, events)
    this.#sizeInBytes += sizeInBytes
  }

  /** Until its partition is known, an event counts against every partition. */
  #occupied(key: string): number {
    const unrouted = this.#unrouted
    if (key !== unroutedCapacity) return (this.#events.get(key) ?? 0) + unrouted
    let fullest = 0
    for (const [other, count] of this.#events) {
      if (other !== unroutedCapacity && count > fullest) fullest = count
    }
    return fullest + unrouted
  }

  #drain(): void {
    // A grant may lead to a release of its own; going round again keeps the stack flat and misses no one.
    if (this.#draining !== 'no') {
      this.#draining = 'again'
      return
    }
    do {
      this.#draining = 'yes'
      this.#grantWhatFits()
    } while (this.#isAgain())
    this.#draining = 'no'
  }

  #isAgain(): boolean {
    return this.#draining === 'again'
  }

  #grantWhatFits(): void {
    // Whoever waited for bytes goes first; then all others, until the next one lacks bytes.
    const first = this.#bytesWantedAt
    this.#bytesWantedAt = undefined
    const firstQueue = first === undefined ? undefined : this.#waiting.get(first)
    if (first !== undefined && firstQueue) this.#grantFrom(first, firstQueue)
    for (const [key, queue] of this.#waiting) {
      if (this.#bytesWantedAt !== undefined) break
      this.#grantFrom(key, queue)
    }
  }

  #grantFrom(key: string, queue: Set<Waiting>): void {
    for (const waiting of queue) {
      if (!this.#hasPlaces(key, waiting.load)) break
      if (!this.#hasBytes(waiting.load)) {
        this.#bytesWantedAt = key
        break
      }
      queue.delete(waiting)
      if (queue.size === 0) this.#waiting.delete(key)
      this.#add(key, waiting.load.count, waiting.load.sizeInBytes)
      waiting.grant()
    }
    if (queue.size > 0) this.#askForRoom(key)
  }
}
