import type { Duplex } from 'node:stream'

// Above this many unsent bytes a peer is not reading: it gets no more events, and nothing more is read from it.
const congestedAtBytes = 1024 * 1024

interface Delayed {
  readonly bytes: Buffer
  readonly dueAt: number
}

/** Writes to a peer, late if it is told to, and counts what the peer has not taken yet. */
export class Output {
  readonly #stream: Duplex
  readonly #latencyInMs: () => number
  readonly #onDrain: () => void
  readonly #delayed: Delayed[] = []
  #delayedBytes = 0
  #timer: NodeJS.Timeout | undefined
  #muted = false
  #endWhenEmpty = false

  constructor(stream: Duplex, latencyInMs: () => number, onDrain: () => void) {
    this.#stream = stream
    this.#latencyInMs = latencyInMs
    this.#onDrain = onDrain
    stream.on('drain', () => this.#drained())
  }

  get muted(): boolean {
    return this.#muted
  }

  get congested(): boolean {
    return this.#stream.writableLength + this.#delayedBytes > congestedAtBytes
  }

  write(bytes: Buffer): void {
    if (this.#muted || this.#endWhenEmpty) return
    const now = performance.now()
    const latency = this.#latencyInMs()
    if (latency <= 0 && this.#delayed.length === 0) {
      this.#writeNow(bytes)
      return
    }
    const previous = this.#delayed.at(-1)?.dueAt ?? 0
    // Never ahead of what was written before, also when the latency has just been lowered.
    this.#delayed.push({ bytes, dueAt: Math.max(now + latency, previous) })
    this.#delayedBytes += bytes.length
    this.#timer ??= setTimeout(() => this.#release(), latency)
  }

  /** Ends the stream after everything written so far. */
  end(): void {
    if (this.#muted) return
    this.#endWhenEmpty = true
    if (this.#delayed.length === 0) this.#stream.end()
  }

  /** From here on nothing leaves any more, while the stream stays open: how a peer looks that is gone. */
  mute(): void {
    this.#muted = true
    this.#dropDelayed()
  }

  destroy(): void {
    this.#muted = true
    this.#dropDelayed()
    this.#stream.destroy()
  }

  #dropDelayed(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#delayed.length = 0
    this.#delayedBytes = 0
  }

  #writeNow(bytes: Buffer): void {
    if (this.#stream.writable) this.#stream.write(bytes)
  }

  #drained(): void {
    if (!this.congested) this.#onDrain()
  }

  #release(): void {
    this.#timer = undefined
    const wasCongested = this.congested
    const now = performance.now()
    for (let next = this.#delayed[0]; next !== undefined; next = this.#delayed[0]) {
      // A timer may fire a fraction of a millisecond early.
      const wait = next.dueAt - now
      if (wait > 0.5) {
        this.#timer = setTimeout(() => this.#release(), wait)
        break
      }
      this.#delayed.shift()
      this.#delayedBytes -= next.bytes.length
      this.#writeNow(next.bytes)
    }
    if (this.#endWhenEmpty && this.#delayed.length === 0) this.#stream.end()
    // The stream tells only of what it had to hold back itself.
    if (wasCongested) this.#drained()
  }
}
