/** Capacity key of events that go wherever the service puts them. */
export const serviceCapacity = ''
/** Capacity key of events whose partition is not known yet. No partition has this id. */
export const unroutedCapacity = '?'

export interface CapacityWaiter {
  /** Stops waiting. No effect once granted. */
  cancel(): void
}

interface Waiting {
  readonly sizeInBytes: number
  readonly grant: () => void
}

/**
 * Bounds what is held in memory: events per partition, and bytes in all. Whoever finds no room waits,
 * first come, first served within a partition.
 */
export class Capacity {
  readonly #maxEventsPerPartition: number
  readonly #maxSizeInBytes: number
  readonly #onFull: (key: string | undefined) => void
  readonly #events = new Map<string, number>()
  readonly #waiting = new Map<string, Set<Waiting>>()
  #sizeInBytes = 0
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

  hasRoom(key: string, sizeInBytes: number): boolean {
    // A single event larger than the whole limit must still get through when it is alone.
    const fits = this.#sizeInBytes === 0 || this.#sizeInBytes + sizeInBytes <= this.#maxSizeInBytes
    return fits && this.#occupied(key) < this.#maxEventsPerPartition
  }

  /** Takes room for one event, unless there is none or others already wait for it. */
  tryAcquire(key: string, sizeInBytes: number): boolean {
    if (this.#waiting.has(key) || !this.hasRoom(key, sizeInBytes)) return false
    this.#add(key, 1, sizeInBytes)
    return true
  }

  /** Takes room regardless of the limits: for a batch that has to stay in one piece. */
  acquire(key: string, count: number, sizeInBytes: number): void {
    this.#add(key, count, sizeInBytes)
  }

  /** Queues for room; `grant` is called, synchronously within a later `release`, once it has been taken. */
  wait(key: string, sizeInBytes: number, grant: () => void): CapacityWaiter {
    const waiting: Waiting = { sizeInBytes, grant }
    const queue = this.#waiting.get(key)
    if (queue) queue.add(waiting)
    else {
      this.#waiting.set(key, new Set([waiting]))
      this.#askForRoom(key)
    }
    return {
      cancel: () => {
        const queued = this.#waiting.get(key)
        if (queued?.delete(waiting) && queued.size === 0) this.#waiting.delete(key)
      },
    }
  }

  release(key: string, count: number, sizeInBytes: number): void {
    this.#add(key, -count, -sizeInBytes)
    this.#drain()
  }

  /** Events whose partition has become known. */
  move(from: string, to: string, count: number): void {
    this.#add(from, -count, 0)
    this.#add(to, count, 0)
  }

  #askForRoom(key: string): void {
    // Only a full partition is helped by that partition's batches alone.
    const isPartitionFull = key !== unroutedCapacity && this.#occupied(key) >= this.#maxEventsPerPartition
    this.#onFull(isPartitionFull ? key : undefined)
  }

  #add(key: string, count: number, sizeInBytes: number): void {
    const events = (this.#events.get(key) ?? 0) + count
    if (events === 0) this.#events.delete(key)
    else this.#events.set(key, events)
    this.#sizeInBytes += sizeInBytes
  }

  /** Until its partition is known, an event counts against every partition. */
  #occupied(key: string): number {
    const unrouted = this.#events.get(unroutedCapacity) ?? 0
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
      for (const [key, queue] of this.#waiting) this.#grantFrom(key, queue)
    } while (this.#isAgain())
    this.#draining = 'no'
  }

  #isAgain(): boolean {
    return this.#draining === 'again'
  }

  #grantFrom(key: string, queue: Set<Waiting>): void {
    for (const waiting of queue) {
      if (!this.hasRoom(key, waiting.sizeInBytes)) break
      queue.delete(waiting)
      if (queue.size === 0) this.#waiting.delete(key)
      this.#add(key, 1, waiting.sizeInBytes)
      waiting.grant()
    }
    if (queue.size > 0) this.#askForRoom(key)
  }
}
