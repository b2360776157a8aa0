import type { Random } from './random.js'
import type { Scenario } from './scenarios.js'

/** Something that goes wrong. Times in milliseconds. */
export interface PlannedFault {
  /** Once so many events were accepted after the fault before it: by then the producer has got over that one. */
  readonly afterAccepted: number
  readonly kind: FaultKind
  /** How long it lasts, where it lasts. */
  readonly durationInMs: number
  /** How many sends, bytes or bytes per millisecond, where it has a number. */
  readonly amount: number
  /** What happens to the connections while the producer is stopped, where it is. */
  readonly during: FaultKind | undefined
}

/** Of a fault: how often it is chosen against the others, how long it lasts, its amount, and where it means something. */
interface Nature {
  readonly weight: number
  readonly duration: readonly [least: number, most: number]
  readonly amount: readonly [least: number, most: number]
  readonly only?: 'amqp' | 'stateless'
}

const none = [0, 0] as const
const nature = (weight: number, duration: readonly [number, number], amount: readonly [number, number] = none) => ({
  weight,
  duration,
  amount,
})

export const natures = {
  /** The producer is stopped where it stands, and goes on later. */
  freeze: nature(8, [5, 1200]),
  blackhole: nature(3, none),
  'lose answers': nature(3, none),
  reset: nature(3, none),
  finish: nature(2, none),
  'reset in the middle of a transfer': nature(4, none, [1, 30_000]),
  'refuse connections': nature(2, [50, 600]),
  'swallow connections': nature(2, [50, 800]),
  slow: nature(2, [100, 800], [20, 200]),
  latency: nature(2, [100, 600], [20, 150]),
  throttle: nature(1, [20, 150]),
  'reject, outcome unclear': nature(3, none, [1, 5]),
  'reject for good': nature(3, none, [1, 5]),
  'drop acknowledgements': nature(4, none, [1, 5]),
  'detach instead of answering': { ...nature(3, none, [1, 3]), only: 'amqp' },
  'store, and detach': { ...nature(3, none, [1, 3]), only: 'amqp' },
  'detach links': { ...nature(2, none), only: 'amqp' },
  'force close': { ...nature(2, none), only: 'amqp' },
  'withhold credit': { ...nature(2, [50, 500]), only: 'amqp' },
  silence: { ...nature(2, none), only: 'amqp' },
  /**
   * SIGKILL, and another hub in its place. Not with idempotent retries: this hub's memory of a producer's numbers dies
   * with it, as the service's does not.
   */
  'kill the hub': { ...nature(4, [20, 500]), only: 'stateless' },
} satisfies Readonly<Record<string, Nature>>

export type FaultKind = keyof typeof natures

/** What happens to connections while a frozen producer cannot see it. */
const duringFreeze: readonly FaultKind[] = ['blackhole', 'reset', 'finish', 'lose answers', 'kill the hub']

/** The faults of a run: the same scenario, number of events and random numbers, the same faults. */
export function planFaults(scenario: Scenario, events: number, count: number, random: Random): PlannedFault[] {
  const applies = (kind: FaultKind): boolean => {
    const { only }: Nature = natures[kind]
    return (only !== 'amqp' || scenario.wire !== 'https') && (only !== 'stateless' || !scenario.idempotent)
  }
  const kinds = (Object.keys(natures) as FaultKind[]).filter(applies)
  const weighted = kinds.flatMap((kind) => Array.from({ length: natures[kind].weight }, () => kind))
  const during = duringFreeze.filter(applies)
  // Each kind at least once where there are enough, in an order of the seed's; then by weight.
  const chosen = shuffled(
    Array.from({ length: count }, (_, i) => (i < kinds.length ? (kinds[i] ?? 'freeze') : random.pick(weighted))),
    random,
  )
  return chosen.map((kind) => {
    const { duration, amount } = natures[kind]
    return {
      afterAccepted: Math.floor(((0.3 + random.next()) * events) / count),
      kind,
      durationInMs: random.integer(duration[0], duration[1]),
      amount: random.integer(amount[0], amount[1]),
      during: kind === 'freeze' && random.isTrue(0.6) ? random.pick(during) : undefined,
    }
  })
}

function shuffled<T>(items: T[], random: Random): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.integer(0, i)
    const [a, b] = [items[i], items[j]]
    if (a !== undefined && b !== undefined) {
      items[i] = b
      items[j] = a
    }
  }
  return items
}
