import type { Child } from './child.js'
import { type DistantHub, startDistantHub } from './hub.js'
import type { Account, NumberedEvent, ProducerCommands, Target } from './producer.js'
import { numbered, open, type Way } from './ways.js'

/** What happens to the connection while the process is frozen. */
export type Fate = 'healthy' | 'silent' | 'FIN' | 'RST' | 'forced close'

const pause = (timeInMs: number) => new Promise<void>((resolve) => setTimeout(resolve, timeInMs))

/** Long enough for what was under way to end, or for a fault to arrive. */
const restInMs = 100

/** The failure of a send that was given up waiting for. */
export const noAnswer = 'no answer in the time it was given'

export interface Frozen {
  /** From the call that follows the thaw to the acknowledgement; undefined: it was not acknowledged. */
  readonly acknowledgedInMs: number | undefined
  readonly failure: string | undefined
  /** Events sent before and after. */
  readonly events: number
  readonly missing: number
  readonly duplicates: number
}

export interface FreezePlan {
  readonly way: Way
  readonly fate: Fate
  readonly frozenInMs: number
  readonly roundTripInMs: number
  /** After this long the next send is given up waiting for. */
  readonly patienceInMs?: number
}

async function withProducer<T>(
  { way, roundTripInMs }: Pick<FreezePlan, 'way' | 'roundTripInMs'>,
  use: (producer: Child<ProducerCommands>, hub: DistantHub) => Promise<T>,
): Promise<T> {
  const hub = await startDistantHub(roundTripInMs, { partitionCount: 4, maxEventsPerPartition: 10_000 })
  const producer = await open(way, hub)
  try {
    return await use(producer, hub)
  } finally {
    await producer.kill()
    await hub.stop()
  }
}

async function meet(fate: Fate, hub: DistantHub): Promise<void> {
  if (fate === 'silent') hub.amqp.silence()
  if (fate === 'FIN') hub.amqp.finish()
  if (fate === 'RST') hub.amqp.reset()
  if (fate === 'forced close') await hub.hub.child.call('forceCloseConnections', undefined)
}

/** Freezes a process whose connection is warm and idle, and times the first send after the thaw. */
export function freezeIdle({ way, fate, frozenInMs, roundTripInMs, patienceInMs }: FreezePlan): Promise<Frozen> {
  return withProducer({ way, roundTripInMs }, async (producer, hub) => {
    const events = numbered(Array.from({ length: 3 }, () => ({ partitionId: '0' })))
    const [first, warm, next] = events
    if (first === undefined || warm === undefined || next === undefined) throw new Error('There are no events.')
    await producer.call('send', { events: [first] })
    await producer.call('send', { events: [warm] })
    await pause(restInMs)
    producer.freeze()
    await pause(restInMs)
    await meet(fate, hub)
    await pause(Math.max(0, frozenInMs - restInMs))
    // Already waiting when the process wakes, as the next invocation is after a thaw.
    const sent = producer.call('send', { events: [next] }).then(
      ({ acknowledgedInMs }) => ({ acknowledgedInMs, failure: undefined }),
      (error: Error) => ({ acknowledgedInMs: undefined, failure: error.message }),
    )
    producer.thaw()
    const outcome = await (patienceInMs === undefined ? sent : Promise.race([sent, giveUpAfter(patienceInMs)]))
    const { missing, duplicates } = await hub.hub.tally(first.id, events.length)
    return { ...outcome, events: events.length, missing: missing.length, duplicates: duplicates.length }
  })
}

function giveUpAfter(patienceInMs: number): Promise<Pick<Frozen, 'acknowledgedInMs' | 'failure'>> {
  return new Promise((resolve) => {
    const giveUp = () => resolve({ acknowledgedInMs: undefined, failure: noAnswer })
    // Whoever was answered in time must not wait for it.
    setTimeout(giveUp, patienceInMs).unref()
  })
}

export interface Interrupted {
  readonly taken: number
  readonly accepted: number
  readonly reported: number
  readonly stored: number
  /** Neither in the hub nor reported as failed. */
  readonly lostInSilence: number
  /** Neither accepted nor failed, by what the producer was told. */
  readonly withoutOutcome: number
  readonly duplicates: number
  /** Of events that were not in flight when the answers went missing. */
  readonly foreignDuplicates: number
  /** The next send after the account was settled. */
  readonly nextInMs: number
}

export interface InterruptPlan extends FreezePlan {
  /** What the flush is given. */
  readonly timeoutInMs: number
  /** Whether the events arrive and only the answers are lost; otherwise nothing arrives. */
  readonly arrives: boolean
}

/**
 * Freezes a process in the middle of a flush: what it sends is lost, or the answers to it are, and then the
 * connection meets its fate while the process is frozen.
 */
export function freezeInFlush({
  way,
  fate,
  frozenInMs,
  roundTripInMs,
  timeoutInMs,
  arrives,
}: InterruptPlan): Promise<Interrupted> {
  return withProducer({ way, roundTripInMs }, async (producer, hub) => {
    const partitions: Target[] = ['0', '1', '2', '3'].map((partitionId) => ({ partitionId }))
    const warm = numbered(partitions)
    for (const event of warm) await producer.call('send', { events: [event] })
    const events = numbered(Array.from({ length: 200 }, (_, i) => partitions[i % 4] ?? {}))
    if (arrives) hub.amqp.silenceAnswers()
    else hub.amqp.silence()
    const account = producer.call('account', { events, timeoutInMs })
    await (arrives ? untilStored(hub, events) : pause(restInMs))
    producer.freeze()
    await meet(fate, hub)
    await pause(frozenInMs)
    producer.thaw()
    const told = await account
    const after = numbered([{ partitionId: '0' }])
    const { acknowledgedInMs } = await producer.call('send', { events: after })
    const tally = await hub.hub.tally(events[0]?.id ?? 0, events.length)
    const others = await Promise.all([warm, after].map((list) => hub.hub.tally(list[0]?.id ?? 0, list.length)))
    if (others.some(({ missing }) => missing.length > 0)) throw new Error('An acknowledged event is not in the hub.')
    return {
      ...compare(told, events, tally),
      foreignDuplicates: others.reduce((sum, { duplicates }) => sum + duplicates.length, 0),
      nextInMs: acknowledgedInMs,
    }
  })
}

async function untilStored(hub: DistantHub, events: readonly NumberedEvent[]): Promise<void> {
  for (let waited = 0; waited < 5000; waited += 20) {
    const { distinct } = await hub.hub.tally(events[0]?.id ?? 0, events.length)
    if (distinct === events.length) return
    await pause(20)
  }
  throw new Error('The events did not reach the hub.')
}

function compare(
  { accepted, failedIds }: Account,
  events: readonly NumberedEvent[],
  tally: { readonly missing: readonly number[]; readonly distinct: number; readonly duplicates: readonly number[] },
): Omit<Interrupted, 'foreignDuplicates' | 'nextInMs'> {
  const failed = new Set(failedIds)
  return {
    taken: events.length,
    accepted,
    reported: failed.size,
    stored: tally.distinct,
    lostInSilence: tally.missing.filter((id) => !failed.has(id)).length,
    withoutOutcome: Math.abs(events.length - accepted - failed.size),
    duplicates: tally.duplicates.length,
  }
}
