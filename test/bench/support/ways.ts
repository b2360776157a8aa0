import { type DistantHub, newIds } from './hub.js'
import {
  type NumberedEvent,
  type OpenArguments,
  type ProducerName,
  startProducer,
  type Target,
  type Timing,
} from './producer.js'

/** One way to send events, by one of the libraries. */
export interface Way {
  readonly name: ProducerName
  readonly style: OpenArguments['style']
  readonly options?: Readonly<Record<string, unknown>>
  /** Over HTTP instead of AMQP. */
  readonly isHttp?: boolean
}

export const allPartitionIds = (count: number) => Array.from({ length: count }, (_, i) => String(i))

/** Starts a producer that has everything loaded and has not done anything yet. */
export async function open(way: Way, { connectionString, httpConnectionString }: DistantHub) {
  const producer = startProducer(way.name, ['--no-warnings'])
  const { style, options = {} } = way
  await producer.call('open', {
    connectionString: way.isHttp ? httpConnectionString : connectionString,
    style,
    options: { ...options, ...(way.isHttp ? { transportType: 'https' } : {}) },
  })
  return producer
}

export function numbered(targets: readonly Target[]): NumberedEvent[] {
  const firstId = newIds(targets.length)
  return targets.map((target, i) => ({ ...target, id: firstId + i }))
}

/** The first send of a process that has sent nothing before, checked at the hub. */
export async function sendCold(way: Way, hub: DistantHub, targets: readonly Target[]): Promise<Timing> {
  const producer = await open(way, hub)
  try {
    const events = numbered(targets)
    const timing = await producer.call('send', { events })
    await hub.hub.assertStoredOnceInOrder(`${way.name} ${way.style}`, events[0]?.id ?? 0, events.length)
    return timing
  } finally {
    await producer.kill()
  }
}
