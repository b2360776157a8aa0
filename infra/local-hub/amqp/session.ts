import { readAttach, writeAttach } from './attach.js'
import type { AmqpConnection } from './connection.js'
import * as encode from './encoder.js'
import { AmqpError } from './errors.js'
import { IncomingLink } from './incoming-link.js'
import type { LinkHandler } from './link-types.js'
import type { MemoryBudget } from './memory-budget.js'
import { OutgoingLink } from './outgoing-link.js'
import { type Composite, code, writeError, writePerformative } from './performatives.js'
import { TransferQueue } from './transfer-queue.js'

const incomingWindowSize = 2048
const outgoingWindowSize = 0x7fffffff
// As the service has it.
const maxHandle = 255

interface FlowFields {
  readonly handle: number
  readonly deliveryCount: number
  readonly credit: number
  readonly drain?: boolean
}

/** `detached`: our detach left, the peer's answer has not come; what it still sends there is ignored. */
type Slot = IncomingLink | OutgoingLink | 'detached'

/** One AMQP session: windows, delivery ids and links. It answers on the peer's channel and handle numbers. */
export class Session {
  readonly #connection: AmqpConnection
  readonly #channel: number
  readonly #links = new Map<number, Slot>()
  readonly #transfers: TransferQueue
  #nextIncomingId: number
  #incomingWindow = incomingWindowSize
  #nextDeliveryId = 0
  #ended = false

  constructor(connection: AmqpConnection, channel: number, begin: Composite) {
    this.#connection = connection
    this.#channel = channel
    this.#nextIncomingId = begin.requiredUint(1)
    this.#transfers = new TransferQueue(begin.requiredUint(2), (body, payload) =>
      connection.writeFrame(channel, body, payload),
    )
    this.#write(code.begin, {
      0: encode.ushort(channel),
      1: encode.uint(this.#transfers.nextOutgoingId),
      2: encode.uint(incomingWindowSize),
      3: encode.uint(outgoingWindowSize),
      4: encode.uint(maxHandle),
    })
  }

  get budget(): MemoryBudget {
    return this.#connection.budget
  }

  /** Whether a message can be begun: the peer's window is open, and its socket takes more. */
  get hasRoom(): boolean {
    return this.#transfers.hasRoom && !this.#connection.congested
  }

  *links(): Iterable<IncomingLink | OutgoingLink> {
    for (const slot of this.#links.values()) if (slot !== 'detached') yield slot
  }

  handle(performative: Composite, payload: Buffer): void {
    if (performative.code === code.end) {
      this.end()
      this.#connection.forgetSession(this.#channel)
    } else if (!this.#ended) this.#dispatch(performative, payload)
  }

  end(error?: AmqpError): void {
    if (this.#ended) return
    this.#write(code.end, { 0: error === undefined ? undefined : writeError(error) })
    this.closed()
  }

  /** The session is gone, with or without goodbye. */
  closed(): void {
    this.#ended = true
    const links = [...this.links()]
    this.#links.clear()
    for (const link of links) link.closed()
  }

  detach(handle: number, error?: AmqpError): void {
    const link = this.#links.get(handle)
    if (link === undefined || link === 'detached') return
    this.#links.set(handle, 'detached')
    this.#writeDetach(handle, true, error)
    link.closed()
  }

  settleIncoming(deliveryId: number, state: Buffer): void {
    if (this.#ended) return
    const id = encode.uint(deliveryId)
    this.#write(code.disposition, { 0: encode.boolean(true), 1: id, 2: id, 3: encode.boolean(true), 4: state })
  }

  writeFlow(link?: FlowFields): void {
    if (this.#ended) return
    this.#incomingWindow = incomingWindowSize
    this.#write(code.flow, {
      0: encode.uint(this.#nextIncomingId),
      1: encode.uint(this.#incomingWindow),
      2: encode.uint(this.#transfers.nextOutgoingId),
      3: encode.uint(outgoingWindowSize),
      4: link && encode.uint(link.handle),
      5: link && encode.uint(link.deliveryCount),
      6: link && encode.uint(link.credit),
      8: encode.boolean(link?.drain ?? false),
      9: encode.boolean(false),
    })
  }

  sendMessage(handle: number, tag: Buffer, bytes: Buffer, settled: boolean): void {
    const deliveryId = this.#nextDeliveryId
    this.#nextDeliveryId = (deliveryId + 1) >>> 0
    this.#transfers.send({ handle, deliveryId, tag, bytes, settled }, (length) => this.#connection.maxPayload(length))
  }

  /** There may be room for messages that had none. */
  room(): void {
    for (const link of [...this.links()]) if (link.role === 'outgoing') link.room()
  }

  #dispatch(performative: Composite, payload: Buffer): void {
    switch (performative.code) {
      case code.attach:
        this.#onAttach(performative)
        break
      case code.flow:
        this.#onFlow(performative)
        break
      case code.transfer:
        this.#onTransfer(performative, payload)
        break
      case code.disposition:
        this.#onDisposition(performative)
        break
      case code.detach:
        this.#onDetach(performative)
        break
      default:
        throw new AmqpError('amqp:not-allowed', 'This frame is not allowed on a session.')
    }
  }

  #onAttach(attach: Composite): void {
    const request = readAttach(attach, this)
    const { handle } = request
    if (handle > maxHandle || this.#links.has(handle)) {
      throw new AmqpError('amqp:session:handle-in-use', `Handle ${handle} is in use or above ${maxHandle}.`)
    }
    let handler: LinkHandler
    try {
      handler = this.#connection.openLink(request)
    } catch (error) {
      if (!(error instanceof AmqpError)) throw error
      // As the service does it: an attach without the terminus asked for, and a detach that says why.
      this.#links.set(handle, 'detached')
      this.#connection.writeFrame(this.#channel, writeAttach(attach, request, undefined))
      this.#writeDetach(handle, true, error)
      return
    }
    const link =
      handler.kind === 'incoming' ? new IncomingLink(this, request, handler) : new OutgoingLink(this, request, handler)
    this.#links.set(handle, link)
    this.#connection.writeFrame(this.#channel, writeAttach(attach, request, handler))
    link.opened()
  }

  #onFlow(flow: Composite): void {
    // Before it has seen our begin a peer cannot know our next id; it counts from zero then, as we do.
    this.#transfers.onFlow(flow.uint(0) ?? 0, flow.requiredUint(1))
    const handle = flow.uint(4)
    if (handle === undefined) {
      if (flow.boolean(9)) this.writeFlow()
    } else {
      const link = this.#linkAt(handle)
      if (link !== 'detached') link.onFlow(flow)
    }
    this.room()
  }

  #onTransfer(transfer: Composite, payload: Buffer): void {
    this.#nextIncomingId = (this.#nextIncomingId + 1) >>> 0
    this.#incomingWindow--
    if (this.#incomingWindow < incomingWindowSize / 2) this.writeFlow()
    const link = this.#linkAt(transfer.requiredUint(0))
    if (link === 'detached') return
    if (link.role === 'outgoing') throw new AmqpError('amqp:not-allowed', 'A receiver sent a message on its link.')
    try {
      link.onTransfer(transfer, payload)
    } catch (error) {
      if (!(error instanceof AmqpError)) throw error
      link.detach(error)
    }
  }

  /** A receiver that settles in two steps waits for the second one. Nothing is kept per delivery or looked up. */
  #onDisposition(disposition: Composite): void {
    const byReceiver = disposition.boolean(0)
    const first = disposition.requiredUint(1)
    if (!byReceiver || disposition.boolean(3) || disposition.raw(4) === undefined) return
    this.#write(code.disposition, {
      0: encode.boolean(false),
      1: encode.uint(first),
      2: encode.uint(disposition.uint(2) ?? first),
      3: encode.boolean(true),
      4: disposition.raw(4),
    })
  }

  #onDetach(detach: Composite): void {
    const handle = detach.requiredUint(0)
    const link = this.#linkAt(handle)
    this.#links.delete(handle)
    if (link === 'detached') return
    this.#writeDetach(handle, detach.boolean(1))
    link.closed()
  }

  #linkAt(handle: number): Slot {
    const link = this.#links.get(handle)
    if (link === undefined) throw new AmqpError('amqp:session:unattached-handle', `No link has the handle ${handle}.`)
    return link
  }

  #writeDetach(handle: number, closed: boolean, error?: AmqpError): void {
    this.#write(code.detach, {
      0: encode.uint(handle),
      1: encode.boolean(closed),
      2: error === undefined ? undefined : writeError(error),
    })
  }

  #write(performative: number, fields: Readonly<Record<number, Buffer | undefined>>): void {
    this.#connection.writeFrame(this.#channel, writePerformative(performative, fields))
  }
}
