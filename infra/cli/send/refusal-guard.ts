import type { DeadLetter } from './dead-letters.js'

/** So many refusals before anything was right are no bad records, but a wrong format or a wrong option. */
const mostRefusedFirst = 100
const mostHeldInBytes = 16 * 1024 * 1024

/**
 * Holds what is refused until something was right, so that a mistake in the command makes no dead letters of a million
 * good records.
 */
export class RefusalGuard {
  readonly #write: (letters: readonly DeadLetter[]) => void
  #held: DeadLetter[] = []
  #heldInBytes = 0
  #isOpen: boolean

  constructor(isOpen: boolean, write: (letters: readonly DeadLetter[]) => void) {
    this.#isOpen = isOpen
    this.#write = write
  }

  /** Returns the first refusal if this was one too many, since nothing was right so far. */
  refuse(letter: DeadLetter): DeadLetter | undefined {
    if (this.#isOpen) {
      this.#write([letter])
      return undefined
    }
    this.#held.push(letter)
    this.#heldInBytes += letter.raw.bytes.length
    const isTooMuch = this.#held.length >= mostRefusedFirst || this.#heldInBytes >= mostHeldInBytes
    return isTooMuch ? this.#held[0] : undefined
  }

  /** Something was right, or all is over: refusals are written from now on, and those that were held. */
  open(): void {
    if (this.#isOpen) return
    this.#isOpen = true
    const held = this.#held
    this.#held = []
    this.#write(held)
  }
}
