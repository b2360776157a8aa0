import * as encode from './encoder.js'
import { AmqpError } from './errors.js'
import type { AttachRequest, IncomingLinkHandler } from './link-types.js'
import { type Composite, code, writeError } from './performatives.js'
import type { Session } from './session.js'

const accepted = encode.described(code.accepted, encode.list([]))

interface Partial {
  readonly deliveryId: number
  readonly format: number
  readonly settled: boolean
  sizeInBytes: number
  /** The bytes so far, in a buffer that doubles; undefined once the message is too large to be kept. */
  buffer: Buffer | undefined
}

/** A link on which the peer sends. */
export class IncomingLink {
  readonly name: string
  readonly address: string
  readonly handle: number
  readonly #session: Session
  readonly #handler: IncomingLinkHandler
  #credit = 0
  #deliveryCount: number
  #partial: Partial | undefined

  constructor(session: Session, request: AttachRequest, handler: IncomingLinkHandler) {
    this.#session = session
    this.#handler = handler
    this.name = request.name
    this.address = request.targetAddress ?? ''
    this.handle = request.handle
    this.#deliveryCount = request.initialDeliveryCount
  }

  get role(): 'incoming' {
    return 'incoming'
  }

  opened(): void {
    this.#handler.onOpen(this)
    this.replenish()
  }

  /** Gives the peer new credit once half of it is used up. */
  replenish(): void {
    const window = this.#handler.creditWindow()
    if (this.#credit > window / 2 || this.#credit >= window) return
    this.#credit = window
    this.#writeFlow()
  }

  onFlow(flow: Composite): void {
    if (flow.boolean(9)) this.#writeFlow()
  }

  onTransfer(transfer: Composite, payload: Buffer): void {
    const partial = this.#partial ?? this.#begin(transfer)
    const deliveryId = transfer.uint(1)
    if (deliveryId !== undefined && deliveryId !== partial.deliveryId) {
      throw new AmqpError('amqp:not-allowed', 'A delivery began before the one before it was complete.')
    }
    if (transfer.boolean(9)) {
      this.#finish(partial)
      return
    }
    const more = transfer.boolean(5)
    const bytes = this.#add(partial, payload, more)
    if (more) return
    this.#finish(partial)
    this.#deliver(partial, bytes)
    this.replenish()
  }

  detach(error?: AmqpError): void {
    this.#session.detach(this.handle, error)
  }

  closed(): void {
    if (this.#partial !== undefined) this.#release(this.#partial)
    this.#partial = undefined
    this.#handler.onClose()
  }

  #begin(transfer: Composite): Partial {
    if (this.#credit <= 0) {
      throw new AmqpError('amqp:link:transfer-limit-exceeded', 'A message was sent without credit.')
    }
    this.#partial = {
      deliveryId: transfer.requiredUint(1),
      format: transfer.uint(3) ?? 0,
      settled: transfer.boolean(4),
      sizeInBytes: 0,
      buffer: Buffer.alloc(0),
    }
    return this.#partial
  }

  /** Adds a frame's payload. The last one of a message in a single frame is used as it is, without a copy. */
  #add(partial: Partial, payload: Buffer, more: boolean): Buffer {
    const offset = partial.sizeInBytes
    partial.sizeInBytes += payload.length
    if (partial.sizeInBytes > this.#handler.maxMessageSizeInBytes) {
      this.#release(partial)
      partial.buffer = undefined
    }
    if (partial.buffer === undefined) return Buffer.alloc(0)
    if (offset === 0 && !more) return payload
    if (partial.buffer.length < partial.sizeInBytes) this.#grow(partial)
    payload.copy(partial.buffer, offset)
    return partial.buffer.subarray(0, partial.sizeInBytes)
  }

  #grow(partial: Partial): void {
    const old = partial.buffer ?? Buffer.alloc(0)
    const capacity = Math.max(old.length * 2, partial.sizeInBytes)
    this.#session.budget.take(capacity - old.length)
    partial.buffer = Buffer.alloc(capacity)
    old.copy(partial.buffer)
  }

  #release(partial: Partial): void {
    this.#session.budget.release(partial.buffer?.length ?? 0)
  }

  #finish(partial: Partial): void {
    this.#release(partial)
    this.#partial = undefined
    this.#credit--
    this.#deliveryCount = (this.#deliveryCount + 1) >>> 0
  }

  #deliver(partial: Partial, bytes: Buffer): void {
    let pending = !partial.settled
    const settle = (state: Buffer): void => {
      if (pending) this.#session.settleIncoming(partial.deliveryId, state)
      pending = false
    }
    this.#handler.onDelivery({
      format: partial.format,
      bytes,
      sizeInBytes: partial.sizeInBytes,
      accept: () => settle(accepted),
      reject: (error) => settle(encode.described(code.rejected, encode.list([writeError(error)]))),
    })
  }

  #writeFlow(): void {
    this.#session.writeFlow({ handle: this.handle, deliveryCount: this.#deliveryCount, credit: this.#credit })
  }
}
