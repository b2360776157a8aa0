import type { Network } from './network.js'
import type { Plan, Trouble } from './plan.js'
import type { Random } from './random.js'
import type { Service } from './service.js'
import type { World } from './world.js'

/** What hands out tokens, and how badly. */
export interface CredentialMood {
  failsUntil: number
  slowUntil: number
}

interface Scene {
  readonly world: World
  readonly random: Random
  readonly plan: Plan
  readonly network: Network
  readonly service: Service
  readonly credential: CredentialMood
}

/** A run may have to wait long for its user's last call, and a storm without an end would keep it from that. */
const mostStrikes = 150

/** Lets one thing go wrong after the other, until it is told to stop. */
export class Storm {
  readonly #scene: Scene
  readonly #endings = new Set<() => void>()
  #isOver = false
  #strikes = 0

  constructor(scene: Scene) {
    this.#scene = scene
    if (scene.plan.troubles.length > 0) this.#next()
  }

  /** From here on everything works: what holds ends, and the service is in the best of moods. */
  end(): void {
    const { network, service, credential, world } = this.#scene
    this.#isOver = true
    world.note('the storm is over')
    for (const ending of [...this.#endings]) ending()
    network.stalledUntil.toService = network.stalledUntil.toClient = 0
    network.refusesUntil = 0
    credential.failsUntil = credential.slowUntil = 0
    for (const key of Object.keys(service.mood)) Object.assign(service.mood, { [key]: 0 })
    service.mood.isThrottling = false
    service.giveCredit()
  }

  #next(): void {
    const { world, random, plan } = this.#scene
    world.schedule('world', random.next() * 2 * plan.troubleEveryMs, () => {
      if (this.#isOver || this.#strikes++ >= mostStrikes) return
      this.#strike(random.pick(plan.troubles))
      this.#next()
    })
  }

  #strike(trouble: Trouble): void {
    const { world, random, network, service, credential } = this.#scene
    const duration = () => random.pick([5, 100, 700, 2500, 15_000]) * (0.5 + random.next())
    const someConnection = () => (network.open.length > 0 ? random.pick(network.open) : undefined)
    const say = () => world.note(`trouble: ${trouble}`)
    switch (trouble) {
      case 'stop':
      case 'suspend':
        world.freeze(trouble, Math.round(duration() * random.pick([1, 1, 40])), random.chance(0.3))
        break
      case 'stall': {
        say()
        const until = world.now + duration()
        for (const direction of random.pick([['toService'], ['toClient'], ['toService', 'toClient']] as const)) {
          network.stalledUntil[direction] = until
        }
        break
      }
      case 'stall for good':
        say()
        for (const direction of random.pick([['toService'], ['toClient'], ['toService', 'toClient']] as const)) {
          someConnection()?.stall(direction, Number.POSITIVE_INFINITY)
        }
        break
      case 'latency': {
        say()
        network.settings.latencyInMs = random.pick([0, 50, 300, 1500])
        this.#until(duration(), () => {
          network.settings.latencyInMs = this.#scene.plan.network.latencyInMs
        })
        break
      }
      case 'reset':
        say()
        someConnection()?.reset()
        break
      case 'vanish':
        say()
        someConnection()?.vanish()
        break
      case 'end':
        say()
        someConnection()?.service.end()
        break
      case 'force close':
        this.#asService(() => service.forceClose())
        break
      case 'detach':
        this.#asService(() => service.detachLinks())
        break
      case 'throttle':
        say()
        service.mood.isThrottling = true
        this.#until(duration(), () => {
          service.mood.isThrottling = false
        })
        break
      case 'withhold credit':
        say()
        service.mood.withholdsCredit = true
        this.#until(duration(), () => this.#asService(() => service.giveCredit()))
        break
      case 'refuse connections':
        say()
        network.refusesUntil = world.now + duration()
        break
      case 'grow':
        service.growTo(service.partitionIds.length + 1)
        break
      case 'revoke tokens':
        say()
        service.tokensCountFrom = world.serviceWall
        break
      case 'wall clock':
        world.jumpWall(Math.round(random.pick([-1, 1]) * duration() * random.pick([1, 60])))
        break
      case 'credential':
        say()
        if (random.chance(0.5)) credential.failsUntil = world.now + duration()
        else credential.slowUntil = world.now + duration()
        break
    }
  }

  #asService(act: () => void): void {
    this.#scene.world.schedule('service', 0, act)
  }

  #until(forMs: number, restore: () => void): void {
    const ending = () => {
      if (this.#endings.delete(ending)) restore()
    }
    this.#endings.add(ending)
    this.#scene.world.schedule('world', forMs, ending)
  }
}
