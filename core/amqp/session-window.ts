import type { Session } from 'rhea'

/** Parts of rhea that its type declarations leave out. */
interface RheaOutgoing {
  /** Next transfer the peer expects, as it said last; undefined until it has. */
  readonly remote_next_transfer_id: number | undefined
  readonly next_transfer_id: number
  transfer_window(): number
}

/** What rhea keeps free in a frame for everything but the payload, beside the delivery tag. */
const frameOverheadInBytes = 50 + 8

/**
 * How much the peer's session window takes at this moment. rhea queues what does not fit and sends it
 * whenever the window opens, long after its sender may have given it up; so nothing is handed over early.
 */
export class SessionWindow {
  readonly #outgoing: RheaOutgoing
  readonly #maxFrameSizeInBytes: () => number | undefined
  /** Frames handed over in this turn, which rhea writes at its end. */
  #framesThisTurn = 0

  constructor(session: Session, maxFrameSizeInBytes: () => number | undefined) {
    this.#outgoing = (session as unknown as { readonly outgoing: RheaOutgoing }).outgoing
    this.#maxFrameSizeInBytes = maxFrameSizeInBytes
  }

  /** Whether a message of this size can be written whole, now. */
  hasRoomFor(sizeInBytes: number): boolean {
    const frames = this.#framesOf(sizeInBytes)
    const { remote_next_transfer_id: expected, next_transfer_id: next } = this.#outgoing
    // A window that never holds a whole message must still let one through, when all before it has arrived.
    if (expected === next && this.#framesThisTurn === 0) return this.#outgoing.transfer_window() > 0
    return this.#framesThisTurn + frames <= this.#outgoing.transfer_window()
  }

  /** Call right after the message was handed over. */
  handedOver(sizeInBytes: number): void {
    const frames = this.#framesOf(sizeInBytes)
    this.#framesThisTurn += frames
    // rhea writes in a tick of its own, which was asked for before this one.
    process.nextTick(() => {
      this.#framesThisTurn -= frames
    })
  }

  #framesOf(sizeInBytes: number): number {
    const limit = this.#maxFrameSizeInBytes()
    return limit === undefined ? 1 : Math.ceil(sizeInBytes / Math.max(1, limit - frameOverheadInBytes))
  }
}
