// The longest that Node's timers can wait.
const maxDelayInMs = 0x7fffffff

/** One connection's timers: none of them keeps the process alive, and all of them end with `stop`. */
export class Heartbeat {
  readonly #timers: NodeJS.Timeout[] = []
  #lastHeardAt = performance.now()

  /** Calls `onIdle` once nothing was heard for `idleTimeoutInMs`; 0: never. */
  constructor(idleTimeoutInMs: number, onIdle: () => void) {
    if (idleTimeoutInMs === 0) return
    this.#every(idleTimeoutInMs / 4, () => {
      if (performance.now() - this.#lastHeardAt >= idleTimeoutInMs) onIdle()
    })
  }

  heard(): void {
    this.#lastHeardAt = performance.now()
  }

  /** Calls `beat` twice within the time that the peer allows for silence; 0: never. */
  keepAlive(peerIdleTimeoutInMs: number, beat: () => void): void {
    // Not so often that a hostile value keeps the process busy.
    if (peerIdleTimeoutInMs > 0) this.#every(Math.max(peerIdleTimeoutInMs / 2, 100), beat)
  }

  after(milliseconds: number, action: () => void): void {
    this.#add(setTimeout(action, milliseconds))
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer)
  }

  #every(milliseconds: number, action: () => void): void {
    this.#add(setInterval(action, Math.min(milliseconds, maxDelayInMs)))
  }

  #add(timer: NodeJS.Timeout): void {
    timer.unref()
    this.#timers.push(timer)
  }
}
