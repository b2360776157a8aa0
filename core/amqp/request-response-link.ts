import type { EventContext, Receiver, Sender, Session } from 'rhea'
import { generate_uuid, ReceiverEvents, SenderEvents } from 'rhea-promise'
import type { Clock } from '../clock.js'
import { bounded } from '../deadline.js'
import { EventHubError, OperationTimeoutError, toEventHubError } from '../errors.js'
import type { OperationLimits } from '../transport.js'
import { fromCondition } from './conditions.js'

export interface Response {
  readonly statusCode: number
  readonly statusDescription: string
  readonly body: unknown
}

export interface Request {
  readonly body: unknown
  readonly application_properties: Record<string, unknown>
}

/** Fields that rhea has and its type declarations leave out. */
interface RheaSender extends Sender {
  readonly credit: number
  readonly delivery_count: number
}

/** Told when someone begins to wait for the peer, and when someone has ended. */
export interface WaitWatcher {
  readonly onWaiting: () => void
  readonly onIdle: () => void
}

interface Pending {
  readonly request: Request
  readonly resolve: (response: Response) => void
  readonly reject: (error: EventHubError) => void
}

/**
 * A pair of links to one node (`$cbs`, `$management`): requests out, responses back, matched by message id.
 * Both attach at construction; `opened` tells when requests may go.
 */
export class RequestResponseLink {
  readonly opened: Promise<void>
  readonly #sender: RheaSender
  readonly #clock: Clock
  readonly #node: string
  readonly #replyTo: string
  readonly #pending = new Map<string, Pending>()
  #resolveOpened: () => void = () => {}
  #rejectOpened: (error: EventHubError) => void = () => {}
  /** Ids of requests that wait for credit. */
  readonly #queue = new Set<string>()
  #handedOver = 0
  #failed: EventHubError | undefined
  /** Requests that wait for their answer, sent or not. */
  #waiting = 0
  readonly #watcher: WaitWatcher

  constructor(session: Session, node: string, clock: Clock, watcher: WaitWatcher) {
    this.#clock = clock
    this.#watcher = watcher
    this.#node = node
    this.opened = new Promise((resolve, reject) => {
      this.#resolveOpened = resolve
      this.#rejectOpened = reject
    })
    // Whoever waits sees it; nobody may be waiting.
    this.opened.catch(() => {})
    this.#replyTo = `${node.replace('$', '')}-${generate_uuid()}`
    this.#sender = session.open_sender({
      name: `${this.#replyTo}-sender`,
      target: { address: node },
      source: { address: this.#replyTo },
    }) as RheaSender
    const receiver = session.open_receiver({
      name: `${this.#replyTo}-receiver`,
      source: { address: node },
      target: { address: this.#replyTo },
    })
    this.#listen(this.#sender, receiver)
  }

  /** Sends a request and resolves with its response, whatever its status. A lost response is `unknown` to no event. */
  async request(request: Request, limits: OperationLimits): Promise<Response> {
    if (this.#failed) throw this.#failed
    this.#waiting++
    this.#watcher.onWaiting()
    try {
      return await this.#request(request, limits)
    } finally {
      this.#waiting--
      this.#watcher.onIdle()
    }
  }

  async #request(request: Request, limits: OperationLimits): Promise<Response> {
    const ranOut = () => new OperationTimeoutError(`${this.#node} did not answer in time.`)
    await bounded(this.#clock, this.opened, limits, ranOut)
    // It may have failed in this very turn, and what is added now would wait in vain.
    if (this.#failed) throw this.#failed
    const id = generate_uuid()
    const response = new Promise<Response>((resolve, reject) => this.#pending.set(id, { request, resolve, reject }))
    this.#queue.add(id)
    this.#pump()
    try {
      return await bounded(this.#clock, response, limits, ranOut)
    } finally {
      this.#pending.delete(id)
      this.#queue.delete(id)
    }
  }

  /** Whether anyone waits for an answer. */
  get isBusy(): boolean {
    return this.#waiting > 0
  }

  /** Whether it can answer no more; another one has to take its place. */
  get isClosed(): boolean {
    return this.#failed !== undefined
  }

  /** Fails everything that waits. */
  fail(error: EventHubError): void {
    this.#failed ??= error
    this.#rejectOpened(error)
    for (const { reject } of this.#pending.values()) reject(error)
    this.#pending.clear()
  }

  /** Hands over what there is credit for: rhea lets one delivery without credit block the whole session. */
  #pump(): void {
    const sender = this.#sender
    for (const id of this.#queue) {
      if (sender.credit + sender.delivery_count <= this.#handedOver || !sender.sendable()) return
      this.#queue.delete(id)
      const pending = this.#pending.get(id)
      if (!pending) continue
      try {
        sender.send({ ...pending.request, message_id: id, reply_to: this.#replyTo } as never)
        this.#handedOver++
      } catch (error) {
        pending.reject(toEventHubError(error))
      }
    }
  }

  #listen(sender: Sender, receiver: Receiver): void {
    let open = 0
    const onOpen = () => {
      open += 1
      if (open === 2 && sender.is_open() && receiver.is_open()) this.#resolveOpened()
    }
    sender.on(SenderEvents.senderOpen, onOpen)
    sender.on('sender_flow', () => this.#pump())
    receiver.on(ReceiverEvents.receiverOpen, onOpen)
    const onClose = (context: EventContext) => {
      const link = context.receiver ?? context.sender
      this.fail(fromCondition(link?.error as never, `The service closed the link to ${this.#node}`, 'returned'))
    }
    for (const event of [SenderEvents.senderError, SenderEvents.senderClose]) sender.on(event, onClose)
    for (const event of [ReceiverEvents.receiverError, ReceiverEvents.receiverClose]) receiver.on(event, onClose)
    receiver.on(ReceiverEvents.message, (context: EventContext) => {
      const { message } = context
      const id = message?.correlation_id
      const pending = typeof id === 'string' ? this.#pending.get(id) : undefined
      if (!pending || !message) return
      const properties = message.application_properties ?? {}
      // Azure services have used both spellings.
      const status = Number(properties['status-code'] ?? properties.statusCode)
      const description = String(properties['status-description'] ?? properties.statusDescription ?? '')
        // It becomes a part of a sentence.
        .replace(/\.$/, '')
      if (Number.isInteger(status)) {
        pending.resolve({ statusCode: status, statusDescription: description, body: message.body })
      } else {
        pending.reject(new EventHubError(`${this.#node} answered without a status.`, { code: 'protocol-error' }))
      }
    })
  }
}
