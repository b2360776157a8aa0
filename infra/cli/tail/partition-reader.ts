import type { EventContext, Receiver, Session } from 'rhea'
import { generate_uuid, ReceiverEvents, types } from 'rhea-promise'
import type { AmqpErrorLike } from '../../../core/amqp/conditions.js'
import { decodeEvent, type ReceivedEvent } from './decode.js'
import { isBehindTheEnd, type PartitionState, type Position, selectorAfter, selectorFor } from './position.js'

/** What one partition's reader tells. */
export interface ReaderEvents {
  onEvent(event: ReceivedEvent): void
  /** The link has ended: undefined for no reason given. */
  onClosed(error: AmqpErrorLike | undefined): void
}

/** Numbers of types and filters as the service registers them. */
const selectorFilter = 'apache.org:selector-filter:string'
const selectorDescriptor = 0x468c00000004

/** No format of the standard: rhea then leaves the message as it came. */
const undecoded = 0x7fffffff

/**
 * rhea decodes messages by itself and loses the types of values. Told that it does not know their format, it hands
 * over their bytes.
 */
export function keepMessagesEncoded(session: Session): void {
  interface Transfer {
    readonly performative: { message_format: number | null | undefined }
  }
  const { incoming } = session as unknown as { incoming: { on_transfer(frame: Transfer, receiver: Receiver): void } }
  const take = incoming.on_transfer.bind(incoming)
  incoming.on_transfer = (frame, receiver) => {
    frame.performative.message_format ||= undecoded
    take(frame, receiver)
  }
}

/** How much may be handed on ahead of what is taken. */
export interface Window {
  readonly events: number
  readonly sizeInBytes: number
}

/** Until sizes are known. */
const firstCredit = 16
/** Weight of the newest event in the average. */
const newest = 0.1

/**
 * Reads one partition over whichever connection there is, and knows where it was. It is given no more than `window`
 * ahead of what has been taken from it, so that a slow taker costs no memory.
 */
export class PartitionReader {
  readonly id: string
  readonly #window: Window
  readonly #events: ReaderEvents
  #selector: string
  #receiver: Receiver | undefined
  /** Whether the service has answered, so that credit may be given. */
  #isOpen = false
  /** Handed on and not yet taken. */
  #waiting = 0
  #averageSizeInBytes: number | undefined
  /** The last event to read; undefined: none is the last. */
  #endAt: number | undefined
  /** The newest event that the partition is known to have had. */
  #newest: number
  #isDone = false

  /** @param state how the partition was when reading began */
  constructor(
    id: string,
    { from, state, follow }: { readonly from: Position; readonly state: PartitionState; readonly follow: boolean },
    window: Window,
    events: ReaderEvents,
  ) {
    this.id = id
    this.#selector = selectorFor(from, state)
    this.#endAt = follow ? undefined : state.lastSequenceNumber
    this.#newest = state.lastSequenceNumber
    this.#isDone = !follow && isBehindTheEnd(from, state)
    this.#window = window
    this.#events = events
  }

  get isDone(): boolean {
    return this.#isDone
  }

  /** Whether this cannot be the partition that has been read so far, since it has not come as far. */
  isAnother({ lastSequenceNumber }: PartitionState): boolean {
    return lastSequenceNumber < this.#newest
  }

  /** Reads from the beginning: the partition was made anew, and its numbers tell of other events than those that were read. */
  startOver(state: PartitionState): void {
    if (this.#isDone) return
    const from = { kind: 'earliest' } as const
    this.#selector = selectorFor(from, state)
    this.#newest = state.lastSequenceNumber
    if (this.#endAt === undefined) return
    this.#endAt = state.lastSequenceNumber
    this.#isDone = isBehindTheEnd(from, state)
  }

  /** Resolves when the link is open; rejects with what the service says. Goes on behind the last event. */
  attach(session: Session, address: string): Promise<void> {
    const receiver = session.open_receiver({
      name: `${address}-${generate_uuid()}`,
      source: { address, filter: { [selectorFilter]: types.wrap_described(this.#selector, selectorDescriptor) } },
      target: { address: `sluice-tail-${generate_uuid()}` },
      credit_window: 0,
      autoaccept: true,
    } as never)
    this.#receiver = receiver
    this.#isOpen = false
    receiver.on(ReceiverEvents.message, ({ message }: EventContext) => this.#onMessage(receiver, message as unknown))
    return new Promise((resolve, reject) => {
      receiver.on(ReceiverEvents.receiverOpen, () => {
        // A refused attach is answered with one that has no source, and then a detach that says why.
        if (!receiver.source?.address || this.#receiver !== receiver) return
        this.#isOpen = true
        this.#giveCredit()
        resolve()
      })
      const onClose = () => {
        if (this.#receiver !== receiver) return
        this.#receiver = undefined
        const error = receiver.error as AmqpErrorLike | undefined
        reject(error ?? {})
        this.#events.onClosed(error)
      }
      receiver.on(ReceiverEvents.receiverError, onClose)
      receiver.on(ReceiverEvents.receiverClose, onClose)
    })
  }

  /** Its connection is gone. */
  detached(): void {
    this.#receiver = undefined
  }

  /** One of its events was taken. */
  onTaken(): void {
    this.#waiting--
    this.#giveCredit()
  }

  /** Not for each event that is taken: half of what may wait, at once. */
  #giveCredit(): void {
    const receiver = this.#receiver as (Receiver & { readonly credit: number }) | undefined
    if (!receiver || !this.#isOpen || this.#isDone) return
    const most = this.#mostAhead
    const room = most - this.#waiting - receiver.credit
    if (room > 0 && room >= most / 2) receiver.add_credit(room)
  }

  /** Fewer of large events. */
  get #mostAhead(): number {
    const { events, sizeInBytes } = this.#window
    if (this.#averageSizeInBytes === undefined) return Math.min(events, firstCredit)
    return Math.max(1, Math.min(events, Math.floor(sizeInBytes / this.#averageSizeInBytes)))
  }

  #onMessage(receiver: Receiver, message: unknown): void {
    if (this.#receiver !== receiver || this.#isDone || !Buffer.isBuffer(message)) return
    const event = decodeEvent(this.id, message)
    this.#selector = selectorAfter(event.sequenceNumber)
    this.#newest = Math.max(this.#newest, event.sequenceNumber)
    this.#waiting++
    const average = this.#averageSizeInBytes ?? message.length
    this.#averageSizeInBytes = Math.max(1, average + newest * (message.length - average))
    if (this.#endAt !== undefined && event.sequenceNumber >= this.#endAt) {
      this.#isDone = true
      this.#receiver = undefined
      receiver.close()
    }
    this.#events.onEvent(event)
  }
}
