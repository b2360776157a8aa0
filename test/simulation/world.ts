import type { Clock } from '../../core/clock.js'

/** Whose code runs. What it starts (timers, writes) is its own. */
export type Actor = 'client' | 'service' | 'world'

interface Due {
  readonly at: number
  readonly order: number
  readonly actor: Actor
  readonly run: () => void
  isCancelled: boolean
  /** Where a timer was started, when somebody reads. */
  readonly origin?: string | undefined
}

/** A time during which the client's process stood still, by its own monotonic clock. */
interface Freeze {
  readonly from: number
  readonly to: number
}

const realImmediate = setImmediate

/** Lets everything run that is ready, however long its chain of promises and ticks: nothing here waits for the outside. */
function drain(): Promise<void> {
  return new Promise((resolve) => realImmediate(resolve))
}

/**
 * Time, and whoever acts in it: the client's process, which can be frozen; the service; and the world, which is
 * the network and whatever goes wrong. One event at a time, each run until nothing is ready any more.
 */
export class World {
  /** Milliseconds since the run began, for everyone but a client whose clock stood still. */
  now = 0
  actor: Actor = 'world'
  isFrozen = false
  /** Fractions of a millisecond by which the client's timers fire early, as those of Node do. */
  timerHaste = 0
  steps = 0
  readonly freezes: Freeze[] = []
  readonly #due: Due[] = []
  /** By the client's own monotonic clock. */
  readonly #clientTimers = new Set<Due>()
  /** What reached the client's process while it was frozen. */
  #inbox: (() => void)[] = []
  #order = 0
  /** How far the client's monotonic clock is behind. */
  #lag = 0
  #wallOffset = 1_700_000_000_000
  #hash = 0x811c9dc5
  readonly #sink: ((line: string) => void) | undefined

  constructor(sink?: (line: string) => void) {
    this.#sink = sink
  }

  /** Of all that was noted so far: two runs with the same one did the same. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0')
  }

  note(what: string): void {
    const line = `${this.now.toFixed(1)} ${this.actor}: ${what}`
    let hash = this.#hash
    for (let i = 0; i < line.length; i++) hash = Math.imul(hash ^ line.charCodeAt(i), 0x01000193)
    this.#hash = hash
    this.#sink?.(line)
  }

  /** For what is costly to say: asked only when somebody reads. */
  detail(what: () => string): void {
    if (this.#sink) this.#sink(`${this.now.toFixed(1)} ${this.actor}:     ${what()}`)
  }

  get clientMonotonic(): number {
    return this.now - this.#lag + 1000
  }

  get clientWall(): number {
    return this.now + this.#wallOffset
  }

  get serviceWall(): number {
    return this.now + 1_700_000_000_000
  }

  get clientTimerCount(): number {
    return this.#clientTimers.size
  }

  /** The client's timers, for whoever asks why there are any. */
  tellTimers(): void {
    for (const { at, origin } of this.#clientTimers) this.detail(() => `a timer until ${at}, ${origin}`)
  }

  readonly clientClock: Clock = {
    monotonicNow: () => this.clientMonotonic,
    wallNow: () => this.clientWall,
    schedule: (delayInMs, callback) => this.startClientTimer(delayInMs, callback),
  }

  /** Runs `run` in the name of the service or the world. */
  schedule(actor: 'service' | 'world', delayInMs: number, run: () => void): () => void {
    return this.#add(actor, delayInMs, run)
  }

  /** Something reaches the client from outside: it waits while the client is frozen. */
  reachClient(delayInMs: number, run: () => void): () => void {
    return this.#add('client', delayInMs, run)
  }

  startClientTimer(delayInMs: number, run: () => void): () => void {
    const delay = Math.max(0, delayInMs)
    const at = this.clientMonotonic + (delay >= 1 ? delay - this.timerHaste : delay)
    const origin = this.#sink && new Error().stack
    const timer: Due = { at, order: this.#order++, actor: 'client', run, isCancelled: false, origin }
    this.#clientTimers.add(timer)
    return () => this.#clientTimers.delete(timer)
  }

  /**
   * The client's process stands still. Stopped: its clocks go on, so what was due fires late. Suspended: its monotonic
   * clock stands still with it, and only the wall clock tells.
   */
  freeze(kind: 'stop' | 'suspend', forMs: number, answersFirst: boolean): void {
    if (this.isFrozen) return
    this.isFrozen = true
    const from = this.clientMonotonic
    this.note(`the client freezes (${kind}, ${forMs} ms)`)
    this.schedule('world', forMs, () => {
      if (kind === 'suspend') this.#lag += forMs
      this.isFrozen = false
      this.freezes.push({ from, to: this.clientMonotonic })
      this.note('the client thaws')
      // What is due fires before what has arrived, or after it: both happen.
      const inbox = this.#inbox
      this.#inbox = []
      for (const run of inbox) this.#due.push(this.#entry('client', answersFirst ? from - 1000 : this.now, run))
    })
  }

  jumpWall(byMs: number): void {
    this.note(`the client's wall clock jumps by ${byMs} ms`)
    this.#wallOffset += byMs
  }

  /** The latest moment, by the client's monotonic clock, at which something due at `deadline` may end. */
  latest(deadline: number): number {
    let latest = deadline
    for (const { from, to } of this.freezes) if (latest >= from && latest <= to) latest = to
    return latest
  }

  /** Runs the next event; false when there is none. */
  async step(): Promise<boolean> {
    const next = this.#next()
    if (!next) return false
    this.steps++
    this.actor = next.actor
    if (next.actor === 'client' && this.isFrozen) this.#inbox.push(next.run)
    else next.run()
    await drain()
    this.actor = 'world'
    return true
  }

  #entry(actor: Actor, at: number, run: () => void): Due {
    return { at, order: this.#order++, actor, run, isCancelled: false }
  }

  #add(actor: Actor, delayInMs: number, run: () => void): () => void {
    const due = this.#entry(actor, this.now + Math.max(0, delayInMs), run)
    this.#due.push(due)
    return () => {
      due.isCancelled = true
    }
  }

  #next(): Due | undefined {
    let best: Due | undefined
    let bestAt = Number.POSITIVE_INFINITY
    let bestIndex = -1
    for (let i = 0; i < this.#due.length; i++) {
      const due = this.#due[i] as Due
      if (due.isCancelled) {
        this.#due[i] = this.#due[this.#due.length - 1] as Due
        this.#due.pop()
        i--
        continue
      }
      if (due.at < bestAt || (due.at === bestAt && best && due.order < best.order)) {
        best = due
        bestAt = due.at
        bestIndex = i
      }
    }
    let timer: Due | undefined
    if (!this.isFrozen) {
      const offset = this.#lag - 1000
      for (const due of this.#clientTimers) {
        const at = due.at + offset
        if (at < bestAt || (at === bestAt && best && due.order < best.order)) {
          best = timer = due
          bestAt = at
        }
      }
    }
    if (!best) return undefined
    if (timer) this.#clientTimers.delete(timer)
    else {
      this.#due[bestIndex] = this.#due[this.#due.length - 1] as Due
      this.#due.pop()
    }
    this.now = Math.max(this.now, bestAt)
    return best
  }
}
