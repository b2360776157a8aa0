import * as encode from './encoder.js'
import { code, writePerformative } from './performatives.js'

interface Frame {
  readonly body: Buffer
  readonly payload: Buffer
}

export interface OutgoingMessage {
  readonly handle: number
  readonly deliveryId: number
  readonly tag: Buffer
  readonly settled: boolean
  readonly bytes: Buffer
}

/**
 * Transfer frames on their way to the peer, within its session window. A message that the window cuts off waits here
 * with its rest; until that has left, no other is begun.
 */
export class TransferQueue {
  readonly #write: (body: Buffer, payload: Buffer) => void
  readonly #waiting: Frame[] = []
  #nextOutgoingId = 0
  #window: number

  constructor(initialWindow: number, write: (body: Buffer, payload: Buffer) => void) {
    this.#window = initialWindow
    this.#write = write
  }

  get nextOutgoingId(): number {
    return this.#nextOutgoingId
  }

  get hasRoom(): boolean {
    return this.#waiting.length === 0 && this.#window > 0
  }

  /** Takes the peer's word on how much it can hold: `window` frames from its `nextIncomingId` on. */
  onFlow(nextIncomingId: number, window: number): void {
    const underWay = (this.#nextOutgoingId - nextIncomingId) >>> 0
    this.#window = Math.max(0, window - underWay)
    this.#flush()
  }

  /** Cuts a message into frames; `maxPayload` says how much fits beside a performative of some length. */
  send(message: OutgoingMessage, maxPayload: (performativeLength: number) => number): void {
    const { handle, deliveryId, tag, settled, bytes } = message
    const first = (more: boolean): Buffer =>
      writePerformative(code.transfer, {
        0: encode.uint(handle),
        1: encode.uint(deliveryId),
        2: encode.binary(tag),
        3: encode.uint(0),
        4: encode.boolean(settled),
        5: encode.boolean(more),
      })
    const following = (more: boolean): Buffer =>
      writePerformative(code.transfer, { 0: encode.uint(handle), 5: encode.boolean(more) })
    const room = maxPayload(first(true).length)
    for (let start = 0; start === 0 || start < bytes.length; start += room) {
      const more = start + room < bytes.length
      const body = start === 0 ? first(more) : following(more)
      this.#waiting.push({ body, payload: bytes.subarray(start, start + room) })
    }
    this.#flush()
  }

  #flush(): void {
    while (this.#window > 0) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      this.#window--
      this.#nextOutgoingId = (this.#nextOutgoingId + 1) >>> 0
      this.#write(next.body, next.payload)
    }
  }
}
