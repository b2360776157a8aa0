import { EventHubProducerClient } from '../../core/client.js'
import type { EventInput } from '../../core/event-data.js'
import { checkAccounts } from './final-checks.js'
import { installGlobals } from './globals.js'
import { Ledger, takeViolation, Violation, violation } from './ledger.js'
import { Network } from './network.js'
import { makePlan, type Plan } from './plan.js'
import { createRandom } from './random.js'
import { eventHubName, Service } from './service.js'
import { type CredentialMood, Storm } from './trouble.js'
import { User } from './user.js'
import { Watch } from './watch.js'
import { World } from './world.js'

export interface RunResult {
  readonly seed: number
  /** Of everything that happened. */
  readonly hash: string
  /** What was broken; undefined: nothing. */
  readonly violation: string | undefined
  readonly steps: number
  readonly counts: Readonly<Record<string, number>>
}

/** Far more than any run takes: one that goes on and on is a fault of its own. */
const mostSteps = 40_000
/** With a network that works and time enough, an event is accepted within this time, whatever was before. */
const recoveryInMs = 12_000
/** Of what the user makes, and sends in one piece. */
const largestBatchInBytes = 4 * 2000

/** Runs one seed. The same seed does the same, always. */
export async function run(seed: number, sink?: (line: string) => void): Promise<RunResult> {
  const world = new World(sink)
  const restore = installGlobals(world, createRandom(seed, 'globals'))
  takeViolation()
  const simulation = new Simulation(seed, makePlan(seed), world)
  let broken: string | undefined
  try {
    sink?.(`seed ${seed}: ${JSON.stringify(simulation.plan)}`)
    await simulation.play()
  } catch (error) {
    broken = error instanceof Violation ? error.message : `the simulation failed: ${(error as Error).stack}`
  } finally {
    restore()
  }
  return {
    seed,
    hash: world.hash,
    violation: takeViolation()?.message ?? broken,
    steps: world.steps,
    counts: simulation.counts,
  }
}

class Simulation {
  /** What the client was asked to do and has not begun. */
  #asked = 0
  readonly plan: Plan
  readonly #world: World
  readonly #random
  readonly #service: Service
  readonly #network: Network
  readonly #ledger: Ledger
  readonly #watch: Watch
  readonly #client: EventHubProducerClient
  readonly #user: User
  readonly #storm: Storm
  readonly #credential: CredentialMood = { failsUntil: 0, slowUntil: 0 }
  #isClosed = false

  constructor(seed: number, plan: Plan, world: World) {
    this.plan = plan
    this.#world = world
    world.timerHaste = plan.timerHaste
    this.#random = createRandom(seed, 'course')
    this.#service = new Service(world, createRandom(seed, 'service'), plan.service, { ...plan.mood })
    this.#ledger = new Ledger(this.#service)
    const watch = new Watch(world, this.#ledger, this.#service, plan)
    this.#watch = watch
    this.#network = new Network(world, createRandom(seed, 'network'), { ...plan.network }, watch, (connection) =>
      this.#service.accept(connection),
    )
    this.#client = this.#createClient(createRandom(seed, 'client').next)
    const scene = { world, plan, ledger: this.#ledger, client: this.#client }
    this.#user = new User({ ...scene, random: createRandom(seed, 'user') })
    this.#storm = new Storm({
      ...scene,
      random: createRandom(seed, 'storm'),
      network: this.#network,
      service: this.#service,
      credential: this.#credential,
    })
  }

  get counts(): Record<string, number> {
    const counts: Record<string, number> = {
      taken: this.#ledger.events.size,
      connections: this.#network.connections.length,
    }
    counts.freezes = this.#world.freezes.length
    for (const { told, id } of this.#ledger.events.values()) {
      if (told) counts[told] = (counts[told] ?? 0) + 1
      if ((this.#service.stored.get(id)?.length ?? 0) > 1) counts.duplicates = (counts.duplicates ?? 0) + 1
    }
    return counts
  }

  async play(): Promise<void> {
    let left = this.plan.userActions
    const next = () => {
      if (left-- <= 0) return
      this.#user.act()
      this.#world.reachClient(this.#random.next() * 2 * this.plan.userEveryMs, next)
    }
    this.#world.reachClient(0, next)
    await this.#runWhile(() => left > 0)
    if (this.plan.end === 'close at once') await this.#close()
    else await this.#recover()
    this.#storm.end()
    await this.#runWhile(() => this.#user.underWay.size > 0)
    this.#service.leave()
    // What is still on its way may arrive, and what was said of it must hold all the same.
    while (await this.#step());
    checkAccounts(this.#ledger, this.#service, this.plan)
    const [complaint] = this.#service.complaints
    if (complaint) violation(`the service complains: ${complaint}`)
  }

  async #close(): Promise<void> {
    const { random } = { random: this.#random }
    let isClosing = true
    this.#act(() => {
      void this.#user.close(random.chance(0.7), random.pick([0, 100, 3000, 30_000])).then(() => {
        isClosing = false
      })
    })
    await this.#runWhile(() => isClosing)
    // rhea-promise repeats some events a millisecond later.
    await this.#wait(5)
    this.#checkNothingIsLeft()
    // Whoever still runs hears of it at the end.
    this.#act(() => {
      for (const running of [...this.#user.running]) void this.#user.end(running)
    })
    await this.#runWhile(() => this.#user.underWay.size > 0)
  }

  /** The storm is over: whatever state the client is in, it must find its way back. */
  async #recover(): Promise<void> {
    const { end, client } = this.plan
    this.#storm.end()
    this.#act(() => {
      for (const running of [...this.#user.running]) void this.#user.end(running)
    })
    await this.#settle()
    if (end === 'recover from a freeze') await this.#freezeAndLoseConnections()
    const { tryTimeoutInMs, maxRetries } = client.retryOptions
    const isFit =
      tryTimeoutInMs >= 10_000 && maxRetries > 0 && client.socketTimeoutInMs >= 3000 && client.authTimeoutInMs !== 500
    // Those that it has heard of: of partitions that are new it may not know yet.
    const known = this.#service.partitionIds.slice(0, this.plan.service.partitionCount)
    for (const partitionId of [...known, undefined]) {
      const startedAt = this.#world.now
      let told: unknown
      this.#act(() => {
        void this.#user.tryOut(partitionId, 30_000).then((owner) => {
          told = owner.events[0]?.told
        })
      })
      await this.#runWhile(() => told === undefined)
      const took = this.#world.now - startedAt
      if (isFit && (told !== 'accepted' || took > recoveryInMs)) {
        violation(`with everything well again, an event to ${partitionId} is ${told} after ${took.toFixed(0)} ms`)
      }
    }
    await this.#settle()
    if (client.idleTimeoutInMs === undefined && this.plan.service.idleTimeoutInMs === 0) await this.#checkNoTimerStays()
    await this.#close()
  }

  /** Until no call is under way and nothing is buffered. */
  async #settle(): Promise<void> {
    await this.#runWhile(() => this.#user.underWay.size > 0)
    for (let flushes = 0; this.#ledger.buffered > 0; flushes++) {
      if (flushes > 20) violation('the buffer does not get empty')
      this.#act(() => void this.#user.flush(200_000))
      await this.#runWhile(() => this.#user.underWay.size > 0)
    }
  }

  async #freezeAndLoseConnections(): Promise<void> {
    const random = this.#random
    const forMs = random.pick([100, 5000, 600_000])
    this.#world.freeze(random.pick(['stop', 'suspend']), forMs, random.chance(0.5))
    for (const connection of this.#network.open) {
      const fate = random.next()
      if (fate < 0.4) {
        // Gone without a word: nothing it sends is answered, not even by a reset.
        connection.vanish()
        connection.stall('toService', Number.POSITIVE_INFINITY)
      } else if (fate < 0.6) connection.reset()
      else if (fate < 0.8) this.#world.schedule('service', 0, () => this.#service.forceClose())
    }
    await this.#runWhile(() => this.#world.isFrozen)
  }

  /** With nothing to do, nothing may keep a process alive or run into the next freeze. */
  async #checkNoTimerStays(): Promise<void> {
    await this.#wait(150_000)
    const count = this.#world.clientTimerCount
    this.#world.tellTimers()
    if (count > 0) violation(`${count} timers stay with nothing to do`)
  }

  async #wait(ms: number): Promise<void> {
    let isOver = false
    this.#world.schedule('world', ms, () => {
      isOver = true
    })
    await this.#runWhile(() => !isOver)
  }

  #checkNothingIsLeft(): void {
    this.#isClosed = true
    const { clientTimerCount } = this.#world
    this.#world.tellTimers()
    if (clientTimerCount > 0) violation(`${clientTimerCount} timers stay after close()`)
    const [open] = this.#network.open
    if (open) violation(`connection ${open.id} stays open after close()`)
    if (this.#watch.openSends > 0) violation(`${this.#watch.openSends} sends are under way after close()`)
    if (this.#ledger.buffered > 0) violation(`${this.#ledger.buffered} events are buffered after close()`)
  }

  #act(act: () => void): void {
    this.#asked++
    this.#world.reachClient(0, () => {
      this.#asked--
      act()
    })
  }

  async #runWhile(condition: () => boolean): Promise<void> {
    // What was just asked for has to begin, behind whatever else is due at this instant.
    while (this.#asked > 0 || condition()) {
      if (await this.#step()) continue
      violation(`nothing happens any more, and these never settle: ${[...this.#user.underWay.values()].join(', ')}`)
    }
  }

  async #step(): Promise<boolean> {
    const happened = await this.#world.step()
    const broken = takeViolation()
    if (broken) throw broken
    if (this.#world.steps > mostSteps) violation('the run does not come to rest')
    if (happened) this.#check()
    return happened
  }

  #check(): void {
    const { bufferedMode, maxBufferLength } = this.plan.client
    if (bufferedMode) {
      const total = this.#client.totalBufferedEventCount
      if (total !== this.#ledger.buffered)
        violation(`the client counts ${total} buffered events; it holds ${this.#ledger.buffered}`)
      // The same goes for bytes: what is larger than the limit has to be alone.
      const mostBytes = Math.max(this.plan.client.maxBufferSizeInBytes, largestBatchInBytes)
      if (this.#ledger.bufferedSizeInBytes > mostBytes)
        violation(`${this.#ledger.bufferedSizeInBytes} bytes are buffered`)
      for (const id of this.#service.partitionIds) {
        const count = this.#client.getBufferedEventCount(id) ?? 0
        // A batch that stays in one piece may be larger than the limit when it is alone.
        if (count > Math.max(maxBufferLength, 4)) violation(`${count} events are buffered for partition ${id}`)
      }
    }
    const { underWay, running } = this.#user
    if (underWay.size === 0 && running.length === 0 && this.#ledger.buffered === 0) this.#watch.checkNothingAbandoned()
    if (this.#isClosed && this.#world.clientTimerCount > 0 && running.length === 0)
      violation('a timer starts after close()')
  }

  #createClient(random: () => number): EventHubProducerClient {
    const { world } = { world: this.#world }
    const { client, tokenLifeInMs, credentialDelayInMs } = this.plan
    const { knowsPartitionIds, bufferedMode, ...options } = client
    const credential = {
      getToken: () =>
        new Promise<{ token: string; expiresOnTimestamp: number }>((resolve, reject) => {
          const delay = world.now < this.#credential.slowUntil ? 5000 : credentialDelayInMs
          world.reachClient(delay, () => {
            if (world.now < this.#credential.failsUntil) return reject(new Error('no token today'))
            const exp = Math.floor((world.serviceWall + tokenLifeInMs) / 1000)
            const payload = Buffer.from(JSON.stringify({ exp })).toString('base64url')
            world.note('the credential gives a token')
            resolve({ token: `${world.serviceWall}.${payload}.x`, expiresOnTimestamp: exp * 1000 })
          })
        }),
    }
    const common = {
      ...options,
      ...(knowsPartitionIds && { partitionIds: this.#service.partitionIds }),
      clock: world.clientClock,
      random,
      tracing: false,
      logger: {
        debug: (line: string) => world.detail(() => line),
        warn: (line: string) => world.detail(() => line),
        error: (line: string) => world.detail(() => line),
      },
      transportType: (context: Parameters<Watch['transport']>[0]) => this.#watch.transport(context, this.#network),
    }
    const hear = (events: EventInput[], outcome: Parameters<User['hear']>[1]) => this.#user.hear(events, outcome)
    return new EventHubProducerClient(
      'ns.example.net',
      eventHubName,
      credential,
      bufferedMode
        ? {
            ...common,
            bufferedMode: true,
            onSuccess: (events) => hear(events, 'accepted'),
            onError: (events, _partitionId, error) => hear(events, error.outcome),
          }
        : common,
    )
  }
}
