import { AmqpError } from './errors.js'

/** Bytes that all peers together may have lying in messages that are not complete yet. */
export class MemoryBudget {
  readonly #limitInBytes: number
  #used = 0

  constructor(limitInBytes: number) {
    this.#limitInBytes = limitInBytes
  }

  get usedInBytes(): number {
    return this.#used
  }

  take(bytes: number): void {
    if (this.#used + bytes > this.#limitInBytes) {
      throw new AmqpError('amqp:resource-limit-exceeded', 'Too many unfinished messages are waiting for their rest.')
    }
    this.#used += bytes
  }

  release(bytes: number): void {
    this.#used -= bytes
  }
}
