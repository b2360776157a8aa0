import type { CliEnvironment } from '../environment.js'
import { exitCodeOf, type StopSignal } from '../exit-codes.js'

/** The first signal asks a command to end in order; the second ends it where it stands. */
export class Stopping {
  readonly #controller = new AbortController()
  readonly #release: () => void
  #stoppedBy: StopSignal | undefined

  /** @param last what is still to be done, at once, before the process is ended by the second signal */
  constructor(environment: CliEnvironment, last: () => void) {
    this.#release = environment.onSignal((signal) => {
      if (this.#stoppedBy !== undefined) {
        last()
        environment.exit(exitCodeOf(signal))
        return
      }
      this.#stoppedBy = signal
      this.#controller.abort()
    })
  }

  get stoppedBy(): StopSignal | undefined {
    return this.#stoppedBy
  }

  /** Aborts at the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Calls back at the first signal, also one that has come already. */
  onStop(callback: (signal: StopSignal) => void): void {
    const call = () => {
      if (this.#stoppedBy) callback(this.#stoppedBy)
    }
    if (this.signal.aborted) call()
    else this.signal.addEventListener('abort', call, { once: true })
  }

  /** Resolves with what the promise does, or, at the first signal, with undefined: what cannot be ended is not waited for. */
  unlessStopped<T>(promise: Promise<T>): Promise<T | undefined> {
    const stopped = new Promise<undefined>((resolve) => this.onStop(() => resolve(undefined)))
    return Promise.race([promise, stopped])
  }

  /** Signals end the process again, as they do by default. */
  end(): void {
    this.#release()
  }
}
