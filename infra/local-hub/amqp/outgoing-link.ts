import type { AmqpError } from './errors.js'
import type { AttachRequest, OutgoingLinkHandler } from './link-types.js'
import type { Composite } from './performatives.js'
import type { Session } from './session.js'

/** A link on which the peer receives. */
export class OutgoingLink {
  readonly name: string
  readonly address: string
  /** Where the peer said it wants its messages: how a request's reply-to finds this link. */
  readonly targetAddress: string | undefined
  readonly handle: number
  readonly #session: Session
  readonly #handler: OutgoingLinkHandler
  readonly #settled: boolean
  #credit = 0
  #deliveryCount = 0
  #drain = false
  #nextTag = 0

  constructor(session: Session, request: AttachRequest, handler: OutgoingLinkHandler) {
    this.#session = session
    this.#handler = handler
    this.name = request.name
    this.address = request.sourceAddress ?? ''
    this.targetAddress = request.targetAddress
    this.handle = request.handle
    this.#settled = request.presettled
  }

  get role(): 'outgoing' {
    return 'outgoing'
  }

  opened(): void {
    this.#handler.onOpen(this)
  }

  /** Whether a message can leave now: the peer has given credit, and neither window nor socket is full. */
  get hasRoom(): boolean {
    return this.#credit > 0 && this.#session.hasRoom
  }

  /** Sends one encoded message. Call it only while `hasRoom`. */
  send(message: Buffer): void {
    this.#credit--
    this.#deliveryCount = (this.#deliveryCount + 1) >>> 0
    const tag = Buffer.alloc(4)
    tag.writeUInt32BE(this.#nextTag)
    this.#nextTag = (this.#nextTag + 1) >>> 0
    this.#session.sendMessage(this.handle, tag, message, this.#settled)
  }

  onFlow(flow: Composite): void {
    const credit = flow.uint(6)
    if (credit !== undefined) {
      // The peer may not have seen our last deliveries yet; counters wrap.
      const underWay = (this.#deliveryCount - (flow.uint(5) ?? 0)) >>> 0
      this.#credit = Math.max(0, credit - underWay)
    }
    this.#drain = flow.boolean(8)
    this.room()
    if (flow.boolean(9)) this.#writeFlow()
  }

  room(): void {
    this.#handler.onRoom()
    if (this.#drain && this.hasRoom) this.#useUpCredit()
  }

  detach(error?: AmqpError): void {
    this.#session.detach(this.handle, error)
  }

  closed(): void {
    this.#handler.onClose()
  }

  /** A draining peer wants its credit used or given back, and there is nothing more to send. */
  #useUpCredit(): void {
    this.#deliveryCount = (this.#deliveryCount + this.#credit) >>> 0
    this.#credit = 0
    this.#writeFlow()
  }

  #writeFlow(): void {
    this.#session.writeFlow({
      handle: this.handle,
      deliveryCount: this.#deliveryCount,
      credit: this.#credit,
      drain: this.#drain,
    })
  }
}
