import type { EventHubProducerClient } from '../../core/client.js'
import { EventHubError } from '../../core/errors.js'
import type { EventInput } from '../../core/event-data.js'
import type { Invocation } from '../../core/invocation.js'
import type { SendOptions } from '../../core/send-options.js'
import { type Ledger, type Outcome, type Owner, type TakenEvent, violation } from './ledger.js'
import { bodyOf, idOf } from './marks.js'
import type { Plan } from './plan.js'
import type { Random } from './random.js'
import { graceInMs } from './watch.js'
import type { World } from './world.js'

interface Running {
  readonly invocation: Invocation
  readonly owner: Owner
  readonly deadline: number
}

interface Scene {
  readonly world: World
  readonly random: Random
  readonly plan: Plan
  readonly ledger: Ledger
  readonly client: EventHubProducerClient
}

const keys = ['a', 'b', 'c', 'd']
const defaultTimeoutInMs = 60_000
/** A closing client waits so long for what nobody has ended, and then again for its goodbye, after the caller's time. */
const closingInMs = [1000, 1000]

/** Uses the client in every way it can be used, and holds what it is told to account. */
export class User {
  /** Calls that have not settled, by what they are. */
  readonly underWay = new Map<object, string>()
  readonly running: Running[] = []
  readonly #scene: Scene
  readonly #buffer: Owner | undefined
  #nextName = 1
  #isClosing = false

  constructor(scene: Scene) {
    this.#scene = scene
    if (scene.plan.client.bufferedMode) this.#buffer = scene.ledger.own('buffer', 'the buffer')
  }

  /** `onSuccess` and `onError` of the buffered client. */
  hear(events: readonly EventInput[], outcome: Outcome): void {
    const { ledger, world } = this.#scene
    for (const event of events) {
      const taken = ledger.get(idOf(event as { body?: unknown }))
      if (taken.owner !== this.#buffer) violation(`the buffer speaks of event ${taken.id} of ${taken.owner.name}`)
      ledger.tell(taken, outcome)
    }
    world.note(`told ${outcome}: ${events.map((event) => idOf(event as { body?: unknown })).join(' ')}`)
  }

  /** Does one thing or another. */
  act(): void {
    const { random, plan } = this.#scene
    const roll = random.next()
    if ((roll < 0.45 || this.#isClosing) && this.running.length > 0) this.#useInvocation(random.pick(this.running))
    else if (this.#isClosing) return
    else if (roll < 0.6 && this.running.length < plan.mostInvocations)
      this.begin(random.whole(20, plan.longestInvocationInMs))
    else if (roll < 0.9) this.#useClient()
    else this.#ask()
  }

  begin(timeoutInMs: number, isPlain = false): Running {
    const { random, client, ledger, world } = this.#scene
    const afterFailure = random.pick(['continue', 'stop'] as const)
    const owner = ledger.own('invocation', `invocation ${this.#nextName++}`, afterFailure)
    const abort = !isPlain && random.chance(0.1) ? new AbortController() : undefined
    const reserveInMs = random.pick([0, 10])
    const invocation = client.beginInvocation({
      timeoutInMs,
      reserveInMs,
      afterFailure,
      ...(abort && { abortSignal: abort.signal }),
    })
    const deadline = world.clientMonotonic + Math.max(0, timeoutInMs - reserveInMs)
    const running = { invocation, owner, deadline }
    this.running.push(running)
    world.note(`${owner.name} begins: ${timeoutInMs} ms, ${afterFailure}`)
    if (abort) world.reachClient(random.whole(0, timeoutInMs), () => abort.abort(new Error('the user aborts')))
    // Most end by themselves, some time; the rest at the end of the run.
    if (!isPlain && random.chance(0.8)) {
      world.reachClient(random.whole(1, Math.round(timeoutInMs * 1.2)), () => void this.end(running))
    }
    return running
  }

  /** Its last report; resolves when it has been read. */
  end(running: Running): Promise<void> {
    const index = this.running.indexOf(running)
    if (index < 0) return Promise.resolve()
    this.running.splice(index, 1)
    const { invocation, owner, deadline } = running
    const { world, ledger } = this.#scene
    world.note(`${owner.name} ends`)
    const taken = owner.events.length
    const done = this.#track(`the end of ${owner.name}`, invocation.end(), deadline).then((report) => {
      if (!report) violation(`end() of ${owner.name} rejected`)
      world.note(`${owner.name} reports ${report.accepted} accepted, ${report.failures.length} failed`)
      ledger.read(owner, report, taken)
      ledger.end(owner)
      if (invocation.signal.aborted === false) violation(`the signal of ${owner.name} has not aborted`)
      // Too late: it must be told, and never sent.
      if (this.#scene.random.chance(0.1)) this.#sendTooLate(invocation)
    })
    return done
  }

  /** One event, by itself, in an invocation of its own: for when everything works. */
  async tryOut(partitionId: string | undefined, timeoutInMs: number): Promise<Owner> {
    const running = this.begin(timeoutInMs, true)
    this.#send(running, partitionId === undefined ? {} : { partitionId }, 10)
    await this.end(running)
    return running.owner
  }

  close(flush: boolean, timeoutInMs: number): Promise<void> {
    const { client, world } = this.#scene
    this.#isClosing = true
    world.note(`closes (flush: ${flush}, ${timeoutInMs} ms)`)
    return this.#track(
      'close',
      client.close({ flush, timeoutInMs }),
      world.clientMonotonic + timeoutInMs,
      undefined,
      closingInMs,
    ).then(() => {})
  }

  flush(timeoutInMs = this.#scene.random.pick([10, 1000, 20_000])): Promise<unknown> {
    const deadline = this.#scene.world.clientMonotonic + timeoutInMs
    const buffered = (this.#buffer?.events ?? []).filter((event) => event.isHeld && event.told === undefined)
    return this.#track(
      'flush',
      this.#scene.client.flush({ timeoutInMs }).then(() => {
        for (const { id, told } of buffered)
          if (told === undefined) violation(`flush resolves before event ${id} is settled`)
      }),
      deadline,
    )
  }

  /** Follows a call until it settles; resolves with undefined when it rejects. */
  #track<T>(
    what: string,
    call: Promise<T>,
    deadline = Number.POSITIVE_INFINITY,
    onError?: (error: EventHubError) => void,
    grantedAfter: readonly number[] = [],
  ): Promise<T | undefined> {
    const { world } = this.#scene
    const key = {}
    const until = Math.max(deadline, world.clientMonotonic)
    this.underWay.set(key, what)
    const settled = () => {
      this.underWay.delete(key)
      let latest = world.latest(until)
      // Each begins when the one before has ended, which a freeze may delay.
      for (const ms of grantedAfter) latest = world.latest(latest + ms)
      const late = world.clientMonotonic - latest
      if (late > graceInMs) violation(`${what} ends ${late.toFixed(1)} ms after its deadline`)
    }
    return call.then(
      (value) => {
        settled()
        return value
      },
      (error: unknown) => {
        settled()
        if (!(error instanceof EventHubError)) throw error
        world.note(`${what} rejects: ${error.code}, ${error.outcome}`)
        onError?.(error)
        return undefined
      },
    )
  }

  #useInvocation(running: Running): void {
    const { random, ledger } = this.#scene
    const { invocation, owner, deadline } = running
    const roll = random.next()
    if (roll < 0.75) {
      for (let left = random.pick([1, 1, 1, 3, 10]); left > 0; left--) this.#send(running, this.#target())
    } else if (roll < 0.85) void this.#sendBatch(running)
    else {
      const taken = owner.events.length
      void this.#track(`a flush of ${owner.name}`, invocation.flush(), deadline).then((report) => {
        if (!report) violation(`flush() of ${owner.name} rejected`)
        ledger.read(owner, report, taken)
      })
    }
  }

  #send({ invocation, owner, deadline }: Running, target: Target, sizeInBytes?: number): void {
    const { random, ledger } = this.#scene
    const { event, taken } = this.#make(owner, target, sizeInBytes)
    const timeoutInMs = sizeInBytes === undefined && random.chance(0.1) ? random.whole(0, 500) : undefined
    const until = Math.min(deadline, this.#scene.world.clientMonotonic + (timeoutInMs ?? Number.POSITIVE_INFINITY))
    const sent = invocation.sendEvent(event, { ...target, ...(timeoutInMs !== undefined && { timeoutInMs }) })
    void this.#track(
      `sendEvent ${taken.id}`,
      sent.then(() => ledger.hold(taken)),
      until,
    )
  }

  async #sendBatch(running: Running): Promise<void> {
    const { invocation, owner, deadline } = running
    const { random, client } = this.#scene
    const target = this.#target()
    if (random.chance(0.5)) {
      const made = [1, 2, 3].map(() => this.#make(owner, target))
      // What it takes after the first waits for nothing: the calls have been made.
      void this.#track(
        'sendBatch',
        invocation.sendBatch(
          made.map(({ event }) => event),
          target,
        ),
        deadline,
      )
      return
    }
    const batch = await client.createBatch(target).catch(() => undefined)
    // It may have ended in the meantime, or the client.
    if (!batch || !this.running.includes(running)) return
    const made = this.#fill(batch, owner, target)
    if (made.length > 0) void this.#track('sendBatch', invocation.sendBatch(batch), deadline)
  }

  #fill(batch: { tryAdd(event: EventInput): boolean }, owner: Owner, target: Target): TakenEvent[] {
    const { ledger } = this.#scene
    const made: TakenEvent[] = []
    for (let left = this.#scene.random.whole(1, 4); left > 0; left--) {
      const { event, taken } = this.#make(owner, target)
      if (batch.tryAdd(event)) made.push(taken)
      else ledger.forget(taken)
    }
    return made
  }

  #sendTooLate(invocation: Invocation): void {
    const { ledger } = this.#scene
    const owner = ledger.own('direct', `direct ${this.#nextName++}`)
    const { event, taken } = this.#make(owner, {})
    owner.isOver = true
    void this.#track('sendEvent after end', invocation.sendEvent(event), undefined, (error) => {
      if (error.code !== 'invocation-ended') violation(`an ended invocation rejects with ${error.code}`)
      ledger.tell(taken, 'returned')
    }).then(() => {
      if (taken.told === undefined) violation('an ended invocation takes an event')
    })
  }

  #useClient(): void {
    if (this.#isClosing) return
    const { random } = this.#scene
    if (this.#buffer && random.chance(0.15)) void this.flush()
    else if (random.chance(0.75)) this.#sendByClient()
    else void this.#sendBatchByClient()
  }

  #sendByClient(): void {
    const { random, client, world } = this.#scene
    const target = this.#target()
    const owner = this.#ownerOfCall()
    const { event, taken } = this.#make(owner, target)
    const timeoutInMs = random.chance(0.6) ? random.pick([0, 20, 500, 5000, 30_000]) : undefined
    const abort = random.chance(0.1) ? new AbortController() : undefined
    if (abort) world.reachClient(random.whole(0, 2000), () => abort.abort())
    const options: SendOptions = {
      ...target,
      ...(timeoutInMs !== undefined && { timeoutInMs }),
      ...(abort && { abortSignal: abort.signal }),
    }
    this.#account(`sendEvent ${taken.id}`, client.sendEvent(event, options), [taken], owner, timeoutInMs)
  }

  async #sendBatchByClient(): Promise<void> {
    const { random, client } = this.#scene
    const target = this.#target()
    const owner = this.#ownerOfCall()
    if (random.chance(0.5)) {
      const made = [1, 2].map(() => this.#make(owner, target))
      const taken = made.map((each) => each.taken)
      this.#account(
        'sendBatch',
        client.sendBatch(
          made.map(({ event }) => event),
          target,
        ),
        taken,
        owner,
        undefined,
      )
      return
    }
    const batch = await client.createBatch(target).catch(() => undefined)
    if (!batch) return
    const taken = this.#fill(batch, owner, target)
    if (taken.length > 0) this.#account('sendBatch', client.sendBatch(batch), taken, owner, undefined)
  }

  /** What a call of the client itself says of its events: of the buffer's, whether they have room; of others, all. */
  #account(
    what: string,
    call: Promise<void>,
    events: readonly TakenEvent[],
    owner: Owner,
    timeoutInMs: number | undefined,
  ): void {
    const { ledger, world } = this.#scene
    const isBuffered = owner.kind === 'buffer'
    const timeout = timeoutInMs ?? (isBuffered ? defaultTimeoutInMs : Number.POSITIVE_INFINITY)
    const settle = (outcome: Outcome) => {
      if (!isBuffered) owner.isOver = true
      for (const event of events) ledger.tell(event, outcome)
    }
    const taken = call.then(() => {
      if (!isBuffered) return settle('accepted')
      for (const event of events) ledger.hold(event)
    })
    void this.#track(what, taken, world.clientMonotonic + timeout, (error) => settle(error.outcome))
  }

  #ask(): void {
    const { random, client, world } = this.#scene
    const timeoutInMs = random.pick([50, 1000, 20_000])
    const deadline = world.clientMonotonic + timeoutInMs
    const roll = random.next()
    if (roll < 0.4) void this.#track('warmUp', client.warmUp({ timeoutInMs }), deadline)
    else if (roll < 0.7) void this.#track('getPartitionIds', client.getPartitionIds({ timeoutInMs }), deadline)
    else void this.#track('getPartitionProperties', client.getPartitionProperties('0', { timeoutInMs }), deadline)
  }

  #ownerOfCall(): Owner {
    return this.#buffer ?? this.#scene.ledger.own('direct', `direct ${this.#nextName++}`)
  }

  #make(
    owner: Owner,
    target: Target,
    sizeInBytes = this.#scene.random.pick([1, 20, 100, 100, 350, 2000]),
  ): { event: EventInput; taken: TakenEvent } {
    const { ledger } = this.#scene
    const { partitionId, partitionKey } = target
    const orderKey = partitionId !== undefined ? `partition ${partitionId}` : partitionKey && `key ${partitionKey}`
    const taken = ledger.take(owner, orderKey, sizeInBytes)
    return { event: { body: bodyOf(taken.id, sizeInBytes) }, taken }
  }

  #target(): Target {
    const { random, plan } = this.#scene
    const roll = random.next()
    if (roll < 0.4) return { partitionKey: random.pick(keys) }
    // Now and then one that does not exist, or not yet.
    if (roll < 0.75)
      return { partitionId: String(random.whole(0, plan.service.partitionCount - (random.chance(0.1) ? 0 : 1))) }
    return {}
  }
}

interface Target {
  readonly partitionId?: string
  readonly partitionKey?: string
}
