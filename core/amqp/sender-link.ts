import type { Delivery, EventContext, Sender, Session } from 'rhea'
import { generate_uuid, SenderEvents } from 'rhea-promise'
import { onAbort } from '../abort.js'
import type { Clock } from '../clock.js'
import { remainingTime } from '../deadline.js'
import { abortedError, EventHubError, OperationTimeoutError, toEventHubError } from '../errors.js'
import type { OperationLimits } from '../transport.js'
import { batchMessageFormat } from './codec.js'
import { fromCondition } from './conditions.js'
import { type IdempotentProducer, idempotentProducerCapability } from './idempotent-producer.js'
import { finishTurn } from './rhea-turn.js'
import type { ScatteredBytes } from './scattered-bytes.js'
import type { SessionWindow } from './session-window.js'

/** An encoded message. */
export type MessageBytes = Buffer | ScatteredBytes

/** Until the service has told: what a Standard or Premium event hub takes. */
export const defaultMaxMessageSizeInBytes = 1024 * 1024

/** Fields that rhea has and its type declarations leave out. */
interface RheaSender extends Sender {
  readonly credit: number
  readonly delivery_count: number
}

interface Send {
  readonly bytes: MessageBytes
  /** Writes what is known only now into the bytes, just before they leave. */
  readonly finish: (() => void) | undefined
  readonly resolve: () => void
  readonly reject: (error: EventHubError) => void
  delivery: Delivery | undefined
  /** Takes timer and listener away. */
  cleanUp: () => void
}

/**
 *     waiting for the claim -> attaching -> open -> closed
 *
 * Sends queue, in call order, until the link is open and has credit.
 */
type State =
  | { readonly name: 'claiming' }
  | { readonly name: 'attaching'; readonly sender: RheaSender }
  | { readonly name: 'open'; readonly sender: RheaSender }
  | { readonly name: 'closed'; readonly error: EventHubError }

export interface SenderLinkOptions {
  /** `hub` or `hub/Partitions/N`. */
  readonly address: string
  readonly session: Session
  /** Whose link this is, with idempotent retries. */
  readonly producer: IdempotentProducer | undefined
  readonly clock: Clock
  /** Resolves when the address may be attached to. */
  readonly claimed: Promise<void>
  /** Whether transfers may go out now; `pump` is called when that changes. */
  readonly mayTransfer: () => boolean
  /** Called once, when the link has opened. */
  readonly onOpen: (maxMessageSizeInBytes: number) => void
  /** Called once, when the link can take no more sends. */
  readonly onClosed: (error: EventHubError) => void
  readonly window: SessionWindow
  /** Longest wait for the answer to the attach, in milliseconds. */
  readonly attachTimeoutInMs: number
  /** Called when something begins to wait here: for the claim, the link, credit, or its answer. */
  readonly onWaiting: () => void
  /** Called when a message was given up that may have left. */
  readonly onAbandoned: () => void
  /** Called when an answer did not come in time. */
  readonly onNoAnswer: () => void
  /** Called when nothing waits here any more. */
  readonly onIdle: () => void
}

/** One sender link: to the event hub, or to one of its partitions. */
export class SenderLink {
  readonly #options: SenderLinkOptions
  #state: State = { name: 'claiming' }
  /** The service has said goodbye: what it said before that is still to be told, but nothing more goes out. */
  #isEnding = false
  /** Not handed to rhea yet. */
  readonly #queue = new Set<Send>()
  readonly #inFlight = new Map<Delivery, Send>()
  #handedOver = 0
  #cancelAttachTimer: () => void = () => {}
  /** Resolves when the link is open; rejects when it cannot be. */
  readonly opened: Promise<void>
  #resolveOpened: () => void = () => {}
  #rejectOpened: (error: EventHubError) => void = () => {}
  /** Largest message the service takes on this link. */
  #maxMessageSizeInBytes = defaultMaxMessageSizeInBytes

  constructor(options: SenderLinkOptions) {
    this.#options = options
    this.opened = new Promise((resolve, reject) => {
      this.#resolveOpened = resolve
      this.#rejectOpened = reject
    })
    this.opened.catch(() => {})
    options.claimed.then(
      () => this.#attach(),
      (error) => this.close(error),
    )
  }

  get isOpen(): boolean {
    return this.#state.name === 'open'
  }

  /** Whether anyone waits here, sent or not. */
  get isBusy(): boolean {
    return this.#inFlight.size > 0 || this.#queue.size > 0
  }

  /** Resolves when the service has accepted the message. */
  send(bytes: MessageBytes, limits: OperationLimits, finish?: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#state.name === 'closed') {
        reject(this.#state.error)
        return
      }
      const { signal } = limits
      let release = () => {}
      const cancelTimer = this.#options.clock.schedule(remainingTime(this.#options.clock, limits.deadline), () => {
        if (send.delivery) this.#options.onNoAnswer()
        this.#giveUp(send, (outcome) => new OperationTimeoutError(this.#whyLate(outcome), { outcome }))
      })
      const send: Send = {
        bytes,
        finish,
        resolve,
        reject,
        delivery: undefined,
        cleanUp: () => {
          cancelTimer()
          release()
        },
      }
      this.#queue.add(send)
      this.#options.onWaiting()
      release = onAbort(signal, () => this.#giveUp(send, (outcome) => abortedError(signal?.reason, outcome)))
      if (!signal?.aborted) this.pump()
    })
  }

  /** Says goodbye to the link alone; what is under way on it fails as in `close`. */
  detach(error: EventHubError): void {
    const { name } = this.#state
    const sender = name === 'open' || name === 'attaching' ? this.#state.sender : undefined
    this.close(error)
    if (sender) sayGoodbye(sender)
  }

  /** Fails everything: what was handed over is `unknown`, what was not is `returned`. */
  close(error: EventHubError): void {
    if (this.#state.name === 'closed') return
    const wasOpen = this.#state.name === 'open'
    this.#state = { name: 'closed', error: error.withOutcome('returned') }
    this.#cancelAttachTimer()
    for (const send of this.#queue) this.#settle(send, error.withOutcome('returned'))
    this.#queue.clear()
    for (const send of this.#inFlight.values()) {
      this.#abandon(send)
      this.#settle(send, inFlightError(error, wasOpen))
    }
    this.#inFlight.clear()
    this.#rejectOpened(error)
    this.#options.onClosed(error)
  }

  #attach(): void {
    if (this.#state.name !== 'claiming') return
    const { session, address, producer } = this.#options
    const attach = producer?.attach()
    const sender = session.open_sender({
      name: `${address}-${generate_uuid()}`,
      target: { address },
      source: { address: `sluice-${generate_uuid()}` },
      snd_settle_mode: 0,
      rcv_settle_mode: 0,
      // The peer's "modified" is told apart below.
      treat_modified_as_released: false,
      ...(attach && { desired_capabilities: [idempotentProducerCapability], properties: attach.properties }),
    } as never) as RheaSender
    this.#state = { name: 'attaching', sender }
    this.#cancelAttachTimer = this.#options.clock.schedule(this.#options.attachTimeoutInMs, () => {
      this.close(new OperationTimeoutError(`The link to ${address} did not open in time.`))
      sayGoodbye(sender)
    })
    sender.on(SenderEvents.senderOpen, () => {
      // A refused attach is answered with an attach without target, then a detach that says why.
      if (this.#state.name !== 'attaching' || !sender.target?.address) return
      try {
        if (attach) producer?.attached(attach, sender.properties)
      } catch (error) {
        this.close(toEventHubError(error))
        sender.close()
        return
      }
      const limit = Number(sender.max_message_size)
      if (limit > 0) this.#maxMessageSizeInBytes = limit
      this.#cancelAttachTimer()
      this.#state = { name: 'open', sender }
      this.#options.onOpen(this.#maxMessageSizeInBytes)
      this.#resolveOpened()
      this.pump()
    })
    sender.on('sender_flow', () => this.pump())
    const onClose = () => {
      this.#isEnding = true
      if (this.#state.name === 'open') finishTurn(sender.connection)
      this.close(fromCondition(sender.error as never, `The service closed the link to ${address}`, 'returned'))
    }
    sender.on(SenderEvents.senderError, onClose)
    sender.on(SenderEvents.senderClose, onClose)
    sender.on(SenderEvents.accepted, (context: EventContext) => this.#answered(context, undefined))
    sender.on(SenderEvents.rejected, (context: EventContext) => {
      const error = (context.delivery?.remote_state as { error?: never } | undefined)?.error
      this.#answered(context, fromCondition(error, 'The service rejected the message', 'refused'))
    })
    const handBack = (context: EventContext) =>
      this.#answered(
        context,
        new EventHubError('The service handed the message back without taking it.', {
          code: 'service-error',
          retryable: true,
          outcome: 'refused',
        }),
      )
    sender.on(SenderEvents.released, handBack)
    sender.on(SenderEvents.modified, handBack)
    // After the outcomes above. Settled without one: nobody knows.
    sender.on(SenderEvents.settled, (context: EventContext) => {
      // Said of every message, and nearly all have been answered by now.
      if (!context.delivery || !this.#inFlight.has(context.delivery)) return
      const error = new EventHubError('The service settled the message without saying what became of it.', {
        code: 'service-error',
        retryable: true,
        outcome: 'unknown',
      })
      this.#answered(context, error)
    })
  }

  /** Hands over what may go. */
  pump(): void {
    if (this.#state.name !== 'open' || this.#isEnding || this.#queue.size === 0 || !this.#options.mayTransfer()) return
    const { sender } = this.#state
    for (const send of this.#queue) {
      // rhea lets a delivery without credit block every other link of the session, so none is handed over
      // ahead of its credit. `credit + delivery_count` is what the peer has granted in all.
      if (sender.credit + sender.delivery_count <= this.#handedOver || !sender.sendable()) return
      if (!this.#options.window.hasRoomFor(send.bytes.length)) return
      this.#queue.delete(send)
      const limit = this.#maxMessageSizeInBytes
      if (send.bytes.length > limit) {
        this.#settle(
          send,
          new EventHubError(
            `The message takes ${send.bytes.length} bytes; this event hub takes ${limit}. Send smaller events, or fewer in one batch.`,
            {
              code: 'event-too-large',
              outcome: 'refused',
            },
          ),
        )
        continue
      }
      try {
        send.finish?.()
      } catch (error) {
        this.#settle(send, toEventHubError(error))
        continue
      }
      send.delivery = sender.send(send.bytes as never, undefined, batchMessageFormat)
      this.#options.window.handedOver(send.bytes.length)
      this.#handedOver++
      this.#inFlight.set(send.delivery, send)
    }
  }

  #answered(context: EventContext, error: EventHubError | undefined): void {
    const send = context.delivery && this.#inFlight.get(context.delivery)
    if (!send || !context.delivery) return
    this.#inFlight.delete(context.delivery)
    this.#settle(send, error)
    this.pump()
  }

  #giveUp(send: Send, error: (outcome: 'unknown' | 'returned') => EventHubError): void {
    if (send.delivery) {
      this.#inFlight.delete(send.delivery)
      this.#abandon(send)
    } else this.#queue.delete(send)
    this.#settle(send, error(send.delivery ? 'unknown' : 'returned'))
  }

  /**
   * Nobody waits for its answer any more. rhea keeps every delivery until it is settled, in one ring for the
   * whole session, and a ring that is full stops every link; so it is told to let go, once it has written.
   */
  #abandon({ delivery }: Send): void {
    this.#options.onAbandoned()
    if (!delivery) return
    const held = delivery as { -readonly [K in 'settled' | 'remote_settled']: boolean }
    process.nextTick(() => {
      held.settled = true
      held.remote_settled = true
    })
  }

  #settle(send: Send, error: EventHubError | undefined): void {
    send.cleanUp()
    if (error) send.reject(error)
    else send.resolve()
    if (!this.isBusy) this.#options.onIdle()
  }

  #whyLate(outcome: 'unknown' | 'returned'): string {
    const { address } = this.#options
    if (outcome === 'unknown') return `No acknowledgement from ${address} in time.`
    switch (this.#state.name) {
      case 'claiming':
        return `The connection was not authorized for ${address} in time.`
      case 'attaching':
        return `The link to ${address} did not open in time.`
      default:
        return `Nothing could be sent to ${address} in time: the service granted no credit, or no new claim.`
    }
  }
}

/**
 * rhea opens a link anew when the answer to its attach comes after its detach, and may then attach and detach with
 * the peer for ever. So the goodbye waits for that answer.
 */
function sayGoodbye(sender: RheaSender): void {
  if (sender.is_remote_open()) sender.close()
  else sender.once(SenderEvents.senderOpen, () => sender.close())
}

/** A link that had been authorized and was closed for want of it: its token ended, and a new one may help. */
function inFlightError(error: EventHubError, wasOpen: boolean): EventHubError {
  if (error.code !== 'unauthorized' || !wasOpen) return error.withOutcome('unknown')
  const { message, code, condition, cause } = error
  const known = condition === undefined ? {} : { condition }
  return new EventHubError(message, { code, retryable: true, outcome: 'unknown', cause, ...known })
}
