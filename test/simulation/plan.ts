import { createRandom, type Random } from './random.js'
import type { ServiceMood, ServiceSettings } from './service.js'

/** What can go wrong beside what the service's mood says. */
export const troubles = [
  'stop',
  'suspend',
  'stall',
  'stall for good',
  'latency',
  'reset',
  'vanish',
  'end',
  'force close',
  'detach',
  'throttle',
  'withhold credit',
  'refuse connections',
  'grow',
  'revoke tokens',
  'wall clock',
  'credential',
] as const
export type Trouble = (typeof troubles)[number]

/** What a seed decides before anything happens. */
export interface Plan {
  readonly client: {
    readonly bufferedMode: boolean
    readonly knowsPartitionIds: boolean
    readonly enableIdempotentRetries: boolean
    readonly maxBufferLength: number
    readonly maxBufferSizeInBytes: number
    readonly maxWaitTimeInMs: number
    readonly maxConcurrentSends: number
    readonly maxConcurrentSendsPerPartition: number
    readonly keyedRouting: 'local' | 'service'
    readonly unkeyedRouting: 'sticky' | 'roundRobin' | 'service'
    readonly socketTimeoutInMs: number
    readonly authTimeoutInMs: number
    readonly idleTimeoutInMs: number | undefined
    readonly retryOptions: {
      readonly maxRetries: number
      readonly retryDelayInMs: number
      readonly tryTimeoutInMs: number
      readonly mode: 'exponential' | 'fixed'
    }
  }
  readonly service: ServiceSettings
  readonly mood: ServiceMood
  readonly network: { readonly latencyInMs: number; readonly jitterInMs: number; readonly splitting: number }
  readonly tokenLifeInMs: number
  readonly credentialDelayInMs: number
  readonly timerHaste: number
  readonly troubles: readonly Trouble[]
  /** Mean time between two troubles, and between two things that the user does. */
  readonly troubleEveryMs: number
  readonly userEveryMs: number
  /** How many things the user does before it is over. */
  readonly userActions: number
  /** The longest timeout of an invocation. */
  readonly longestInvocationInMs: number
  readonly mostInvocations: number
  /** What it ends with, the storm over. */
  readonly end: 'close at once' | 'recover' | 'recover from a freeze'
}

/** Each run tries its own part of everything that can go wrong: troubles that never meet hide each other. */
export function makePlan(seed: number): Plan {
  const random = createRandom(seed, 'plan')
  const calm = random.chance(0.05)
  const some = (most: number, probability = 0.3) => (!calm && random.chance(probability) ? random.next() * most : 0)
  const enableIdempotentRetries = random.chance(0.25)
  const bufferedMode = random.chance(0.5)
  return {
    client: {
      bufferedMode,
      knowsPartitionIds: random.chance(0.4),
      enableIdempotentRetries,
      maxBufferLength: random.pick([1, 2, 5, 20, 1500]),
      maxBufferSizeInBytes: random.pick([300, 1000, 5000, 64 * 1024 * 1024]),
      maxWaitTimeInMs: random.pick([0, 10, 1000, 60_000]),
      maxConcurrentSends: random.pick([1, 2, 5, 64]),
      maxConcurrentSendsPerPartition: enableIdempotentRetries ? 1 : random.pick([1, 1, 2, 4]),
      keyedRouting: enableIdempotentRetries ? 'local' : random.pick(['local', 'local', 'service']),
      unkeyedRouting: enableIdempotentRetries
        ? random.pick(['sticky', 'roundRobin'])
        : random.pick(['sticky', 'roundRobin', 'service']),
      socketTimeoutInMs: random.pick([500, 3000, 10_000]),
      authTimeoutInMs: random.pick([0, 500, 60_000]),
      idleTimeoutInMs: random.chance(0.1) ? random.pick([3000, 30_000]) : undefined,
      retryOptions: {
        maxRetries: random.pick([0, 1, 3, 8]),
        retryDelayInMs: random.pick([0, 10, 100, 800]),
        tryTimeoutInMs: random.pick([50, 1000, 3000, 10_000]),
        mode: random.pick(['exponential', 'fixed']),
      },
    },
    service: {
      partitionCount: random.whole(1, 4),
      maxMessageSizeInBytes: random.pick([400, 1500, 6000, 1024 * 1024]),
      linkCredit: random.pick([1, 2, 10, 300]),
      claimScope: random.pick(['exact', 'prefix']),
      idleTimeoutInMs: random.pick([0, 0, 30_000, 240_000]),
    },
    mood: {
      rejects: some(0.3),
      failsAfterStoring: some(0.3, 0.2),
      releases: some(0.2, 0.2),
      detaches: some(0.2),
      detachesAfterStoring: some(0.2, 0.2),
      dropsAcknowledgements: some(0.2),
      repeatsAcknowledgements: some(0.5),
      delaysAcknowledgements: some(0.6),
      storesLate: some(0.5, 0.2),
      refusesAttaches: some(0.3, 0.15),
      refusesTokens: some(0.3, 0.15),
      isThrottling: false,
      withholdsCredit: false,
    },
    network: {
      latencyInMs: random.pick([0, 1, 5, 20, 100]),
      jitterInMs: random.pick([0, 0, 3, 50]),
      splitting: random.chance(0.3) ? 0.3 : 0,
    },
    tokenLifeInMs: random.pick([20_000, 60_000, 600_000, 3_600_000]),
    credentialDelayInMs: random.pick([0, 0, 5, 200]),
    timerHaste: random.chance(0.2) ? 0.9 : 0,
    troubles: calm ? [] : someOf(random, troubles, random.whole(1, 7)),
    troubleEveryMs: random.pick([30, 200, 2000, 20_000]),
    userEveryMs: random.pick([1, 10, 100, 1000, 8000]),
    userActions: random.whole(5, 40),
    longestInvocationInMs: random.pick([100, 1000, 5000, 30_000]),
    mostInvocations: random.whole(1, 4),
    end: random.pick(['close at once', 'recover', 'recover from a freeze']),
  }
}

function someOf<T>(random: Random, all: readonly T[], count: number): T[] {
  const left = [...all]
  const chosen: T[] = []
  while (chosen.length < count && left.length > 0) chosen.push(...left.splice(random.whole(0, left.length - 1), 1))
  return chosen
}
