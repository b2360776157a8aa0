import { AmqpError } from './amqp/errors.js'

/** What a client is told when the hub is made to misbehave. */
export interface FaultError {
  /** An AMQP error condition, for example `amqp:internal-error`. */
  readonly condition: string
  /** For people, beside the condition. Default: a general sentence. */
  readonly description?: string
}

/** A fault that hits the next sends, once each. */
export interface SendFault extends FaultError {
  /** How many sends it hits. Default: 1. */
  readonly count?: number
  /** Only sends to this event hub. Default: any. */
  readonly eventHubName?: string
  /** Only sends on links to this partition. Default: any. */
  readonly partitionId?: string
}

/** How the hub refuses while `LocalHubFaults.throttle` is set. */
export interface ThrottleFault {
  /** What `Retry-After` says. Default: 4. */
  readonly retryAfterInSeconds?: number
  /** The HTTP status. Default: 503. */
  readonly httpStatus?: 429 | 503
  /** For people. Default: the service's own sentence. */
  readonly description?: string
}

/** What there is for faults to act on. */
export interface FaultTargets {
  closeConnections(error: AmqpError): void
  destroyConnections(): void
  muteConnections(): void
  detachLinks(error: AmqpError, address?: string): void
  replenishCredit(): void
}

/** What the rest of the hub asks before it does its work. */
export interface FaultState {
  readonly latencyInMs: number
  readonly silence: boolean
  readonly refuseConnections: boolean
  readonly withholdCredit: boolean
  readonly throttle: ThrottleFault | undefined
  takeSendFault(eventHubName: string, partitionId: string | undefined): TakenFault | undefined
}

export type TakenFault =
  | { readonly kind: 'reject'; readonly error: AmqpError }
  | { readonly kind: 'detach'; readonly error: AmqpError; readonly afterStoring: boolean }
  | { readonly kind: 'drop-acknowledgement' }

type Kind = 'reject' | 'detach' | 'detach-after-storing' | 'drop-acknowledgement'

interface Pending extends SendFault {
  readonly kind: Kind
  left: number
}

/** Tells the hub to misbehave, for tests of what a client does then. `reset()` ends every fault that lasts. */
export interface LocalHubFaults {
  /** While true, new connections are dropped as soon as they are made; open ones live on. Default: false. */
  refuseConnections: boolean
  /** While set, every send is refused as `com.microsoft:server-busy`, over HTTP with `Retry-After`. Default: undefined. */
  throttle: ThrottleFault | undefined
  /** Everything the hub says leaves this much later, in milliseconds: so one round trip takes this long. Default: 0. */
  latencyInMs: number
  /**
   * While true, every connection, open or new, takes bytes and answers nothing: a peer that is gone without a word.
   * What was silenced stays so for good; connections made after it is false again work. Default: false.
   */
  silence: boolean
  /** While true, producers are given no new credit: what they have already, they may use up. Default: false. */
  withholdCredit: boolean
  /** Silences the connections that are open now, for good. New ones work. */
  silenceOpenConnections(): void
  /** Refuses the next sends with this error. */
  rejectNext(fault: SendFault): void
  /** Detaches the link of the next sends instead of answering them. Stores their events where `afterStoring` is true. */
  detachNext(fault: SendFault & { readonly afterStoring?: boolean }): void
  /** Stores the next sends and never says so. `count`: how many, by default 1; `only`: to where, by default anywhere. */
  dropAcknowledgements(count?: number, only?: Pick<SendFault, 'eventHubName' | 'partitionId'>): void
  /** Detaches every link on a hub, or only those at this address, now. Default: as the service does when it moves one. */
  detachLinks(fault?: Partial<FaultError> & { readonly address?: string }): void
  /** Closes every connection with an error, as the service does when it moves or has had enough. */
  forceCloseConnections(fault?: Partial<FaultError>): void
  /** Destroys every connection without a word. */
  destroyConnections(): void
  /** Ends every fault that lasts, and forgets those that wait for a send. What was silenced stays silent. */
  reset(): void
}

/** What the hub keeps of its faults. */
export class Faults implements LocalHubFaults, FaultState {
  readonly #targets: FaultTargets
  readonly #pending: Pending[] = []
  #latencyInMs = 0
  #silence = false
  #withholdCredit = false
  refuseConnections = false
  throttle: ThrottleFault | undefined

  constructor(targets: FaultTargets) {
    this.#targets = targets
  }

  get latencyInMs(): number {
    return this.#latencyInMs
  }

  set latencyInMs(value: number) {
    if (!Number.isFinite(value) || value < 0) throw new RangeError('latencyInMs must be a number that is not negative.')
    this.#latencyInMs = value
  }

  get silence(): boolean {
    return this.#silence
  }

  set silence(value: boolean) {
    this.#silence = value
    if (value) this.#targets.muteConnections()
  }

  get withholdCredit(): boolean {
    return this.#withholdCredit
  }

  set withholdCredit(value: boolean) {
    this.#withholdCredit = value
    if (!value) this.#targets.replenishCredit()
  }

  silenceOpenConnections(): void {
    this.#targets.muteConnections()
  }

  rejectNext(fault: SendFault): void {
    this.#add('reject', fault)
  }

  detachNext(fault: SendFault & { readonly afterStoring?: boolean }): void {
    this.#add(fault.afterStoring === true ? 'detach-after-storing' : 'detach', fault)
  }

  dropAcknowledgements(count = 1, only: Pick<SendFault, 'eventHubName' | 'partitionId'> = {}): void {
    this.#add('drop-acknowledgement', { condition: '', count, ...only })
  }

  detachLinks(fault: Partial<FaultError> & { readonly address?: string } = {}): void {
    const { condition = 'amqp:link:detach-forced', description = 'The link was detached by a fault.', address } = fault
    this.#targets.detachLinks(new AmqpError(condition, description), address)
  }

  forceCloseConnections(fault: Partial<FaultError> = {}): void {
    const { condition = 'amqp:connection:forced', description = 'The connection was closed by a fault.' } = fault
    this.#targets.closeConnections(new AmqpError(condition, description))
  }

  destroyConnections(): void {
    this.#targets.destroyConnections()
  }

  reset(): void {
    this.#pending.length = 0
    this.refuseConnections = false
    this.throttle = undefined
    this.latencyInMs = 0
    this.silence = false
    this.withholdCredit = false
  }

  /** For the hub itself: what the next send is to suffer. */
  takeSendFault(eventHubName: string, partitionId: string | undefined): TakenFault | undefined {
    if (this.throttle !== undefined) {
      const { description = 'The request was terminated because the entity is being throttled.' } = this.throttle
      return { kind: 'reject', error: new AmqpError('com.microsoft:server-busy', description) }
    }
    const found = this.#pending.find(
      (fault) =>
        (fault.eventHubName === undefined || fault.eventHubName.toLowerCase() === eventHubName.toLowerCase()) &&
        (fault.partitionId === undefined || fault.partitionId === partitionId),
    )
    if (found === undefined) return undefined
    if (--found.left <= 0) this.#pending.splice(this.#pending.indexOf(found), 1)
    if (found.kind === 'drop-acknowledgement') return { kind: found.kind }
    const error = new AmqpError(found.condition, found.description ?? 'Refused by a fault.')
    if (found.kind === 'reject') return { kind: found.kind, error }
    return { kind: 'detach', error, afterStoring: found.kind === 'detach-after-storing' }
  }

  #add(kind: Kind, fault: SendFault): void {
    const { count = 1 } = fault
    if (!(count >= 1)) throw new RangeError('count must be at least 1.')
    this.#pending.push({ ...fault, kind, left: count })
  }
}
