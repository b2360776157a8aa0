import type { FailureOutcome } from '../../core/errors.js'
import type { FlushReport } from '../../core/report.js'
import { idOf } from './marks.js'
import type { Service } from './service.js'

export type Outcome = 'accepted' | FailureOutcome

/** Whose events: one call of the client, the buffer, or an invocation. */
export interface Owner {
  readonly name: string
  readonly kind: 'direct' | 'buffer' | 'invocation'
  readonly afterFailure: 'continue' | 'stop'
  readonly events: TakenEvent[]
  /** Its last report is out: nothing of it may be sent any more. */
  isOver: boolean
  /** What its reports have said so far. */
  accepted: number
  failed: number
}

export interface TakenEvent {
  readonly id: number
  readonly owner: Owner
  /** What must keep its order: a key or a partition. */
  readonly orderKey: string | undefined
  readonly sizeInBytes: number
  /** It has its room. */
  isHeld: boolean
  /** What its owner was told, once. */
  told: Outcome | undefined
  /** An attempt to send it ended without an answer. */
  wasInDoubt: boolean
}

/** Thrown by a check that fails. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

let first: Violation | undefined

/** A promise is broken. Thrown, and kept as well: code under test may catch it. */
export function violation(what: string): never {
  first ??= new Violation(what)
  throw first
}

/** The first violation since the last call. */
export function takeViolation(): Violation | undefined {
  const taken = first
  first = undefined
  return taken
}

/** Everything that was taken, and what was said of it. */
export class Ledger {
  readonly events = new Map<number, TakenEvent>()
  readonly owners: Owner[] = []
  readonly #service: Service
  #nextId = 1
  /** Events of the buffer that hold room and have not been heard of. */
  buffered = 0
  /** Of their bodies alone: no more than what they take. */
  bufferedSizeInBytes = 0

  constructor(service: Service) {
    this.#service = service
  }

  own(kind: Owner['kind'], name: string, afterFailure: Owner['afterFailure'] = 'continue'): Owner {
    const owner: Owner = { name, kind, afterFailure, events: [], isOver: false, accepted: 0, failed: 0 }
    this.owners.push(owner)
    return owner
  }

  take(owner: Owner, orderKey: string | undefined, sizeInBytes: number): TakenEvent {
    const event = {
      id: this.#nextId++,
      owner,
      orderKey,
      sizeInBytes,
      isHeld: false,
      told: undefined,
      wasInDoubt: false,
    }
    this.events.set(event.id, event)
    owner.events.push(event)
    return event
  }

  /** It was never taken after all. */
  forget(event: TakenEvent): void {
    this.events.delete(event.id)
    event.owner.events.splice(event.owner.events.indexOf(event), 1)
  }

  hold(event: TakenEvent): void {
    event.isHeld = true
    // It may have been settled before this is heard.
    if (event.owner.kind !== 'buffer' || event.told !== undefined) return
    this.buffered++
    this.bufferedSizeInBytes += event.sizeInBytes
  }

  get(id: number): TakenEvent {
    return this.events.get(id) ?? violation(`event ${id} was never taken`)
  }

  tell(event: TakenEvent, outcome: Outcome): void {
    const { id, owner } = event
    if (event.told !== undefined) violation(`event ${id} of ${owner.name} is ${outcome} after it was ${event.told}`)
    event.told = outcome
    if (event.isHeld && owner.kind === 'buffer') {
      this.buffered--
      this.bufferedSizeInBytes -= event.sizeInBytes
    }
    const copies = this.#service.stored.get(id)?.length ?? 0
    if (outcome === 'accepted' && copies === 0) violation(`event ${id} of ${owner.name} is accepted, but not stored`)
    if ((outcome === 'refused' || outcome === 'returned') && copies > 0) {
      violation(`event ${id} of ${owner.name} is ${outcome}, but stored`)
    }
  }

  /** A report of an invocation. `mustHaveSettled`: how many events it has to speak of, with those before it. */
  read(owner: Owner, report: FlushReport, mustHaveSettled: number): void {
    if (owner.isOver && report.accepted + report.failures.length > 0) {
      violation(`${owner.name} says more after its last report`)
    }
    let last = -1
    for (const failure of report.failures) {
      if (failure.index < last) violation(`a report of ${owner.name} is not in order`)
      last = failure.index
      const event = this.get(idOf(failure.event))
      if (event.owner !== owner) violation(`${owner.name} reports event ${event.id} of ${event.owner.name}`)
      if (owner.events[failure.index] !== event)
        violation(`${owner.name} reports event ${event.id} under a wrong index`)
      if (failure.outcome !== failure.error.outcome) violation(`a report of ${owner.name} contradicts its error`)
      this.tell(event, failure.outcome)
    }
    owner.accepted += report.accepted
    owner.failed += report.failures.length
    const settled = owner.accepted + owner.failed
    if (settled < mustHaveSettled) {
      violation(`${owner.name} has settled ${settled} events when it had to settle ${mustHaveSettled}`)
    }
    if (settled > owner.events.length)
      violation(`${owner.name} has settled ${settled} of ${owner.events.length} events`)
  }

  /** The last report of an invocation is out: whatever it did not fail is accepted. */
  end(owner: Owner): void {
    if (owner.isOver) return
    owner.isOver = true
    const { accepted, failed, events, name } = owner
    if (accepted + failed !== events.length) {
      violation(`${name} took ${events.length} events and reports ${accepted} accepted and ${failed} failed`)
    }
    for (const event of events) if (event.told === undefined) this.tell(event, 'accepted')
  }
}
