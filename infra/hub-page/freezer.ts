import type { LocalHubFaults } from '../local-hub/index.js'
import type { ProducerProcess } from './producer.js'
import type { Meanwhile, ProcessState } from './protocol.js'
import { invocationTimeoutInMs, type Trigger } from './trigger.js'

/** An invocation that has not ended by then is frozen in its middle. */
const longestWaitInMs = invocationTimeoutInMs + 1000

export interface FreezerEnvironment {
  readonly producer: Pick<ProducerProcess, 'isRunning' | 'stop' | 'continue'>
  readonly trigger: Pick<Trigger, 'hold' | 'release'>
  readonly faults: () => Pick<LocalHubFaults, 'silenceOpenConnections' | 'destroyConnections'>
  now(): number
  /** Says what happened, for the timeline. */
  tell(text: string): void
}

/**
 * Freezes the producer as serverless platforms do: between two invocations, without a word to it. While it is frozen its
 * connection may die, which it cannot notice; what it does about that after the thaw is what there is to see.
 */
export class Freezer {
  readonly #env: FreezerEnvironment
  #state: 'thawed' | 'freezing' | 'frozen' = 'thawed'
  #frozenAt: number | undefined
  #cancelTimer: () => void = () => {}

  constructor(env: FreezerEnvironment) {
    this.#env = env
  }

  get state(): ProcessState {
    if (!this.#env.producer.isRunning) return 'absent'
    return this.#state === 'thawed' ? 'running' : this.#state
  }

  get frozenAt(): number | undefined {
    return this.#frozenAt
  }

  /** Resolves when it is frozen. Throws `RangeError` when there is nothing to freeze. */
  async freeze(meanwhile: Meanwhile, thawAfterInMs: number | undefined): Promise<void> {
    const { producer, trigger } = this.#env
    if (!producer.isRunning) {
      throw new RangeError('There is no producer to freeze yet. Start the stream, or send an event, first.')
    }
    if (this.#state !== 'thawed') return
    this.#state = 'freezing'
    const isOver = await Promise.race([trigger.hold().then(() => true), this.#timer(longestWaitInMs).then(() => false)])
    this.#cancelTimer()
    // Thawed, or its process gone, while it was waited for.
    if (this.#state !== 'freezing') return
    producer.stop()
    this.#state = 'frozen'
    this.#frozenAt = this.#env.now()
    this.#env.tell(
      isOver ? 'Frozen between two invocations (SIGSTOP).' : 'Frozen in the middle of an invocation (SIGSTOP).',
    )
    if (meanwhile === 'silence') {
      this.#env.faults().silenceOpenConnections()
      this.#env.tell('Meanwhile the peer went away without a word: open connections answer nothing any more.')
    } else if (meanwhile === 'close') {
      this.#env.faults().destroyConnections()
      this.#env.tell('Meanwhile every connection was closed.')
    }
    if (thawAfterInMs !== undefined) void this.#timer(thawAfterInMs).then(() => this.thaw())
  }

  thaw(): void {
    if (this.#state === 'thawed') return
    const { producer, trigger } = this.#env
    this.#cancelTimer()
    if (this.#frozenAt !== undefined) {
      const seconds = ((this.#env.now() - this.#frozenAt) / 1000).toFixed(1)
      producer.continue()
      this.#env.tell(`Thawed after ${seconds} s (SIGCONT).`)
    }
    this.#state = 'thawed'
    this.#frozenAt = undefined
    trigger.release()
  }

  close(): void {
    this.#cancelTimer()
  }

  #timer(delayInMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delayInMs)
      timer.unref()
      this.#cancelTimer = () => clearTimeout(timer)
    })
  }
}
