import type { Place } from '../../../infra/cli/amqp/place.js'
import type { ReceivedEvent } from '../../../infra/cli/tail/decode.js'
import { eventToJson } from '../../../infra/cli/tail/event-json.js'
import { parsePosition } from '../../../infra/cli/tail/position.js'
import { type TailOptions, tail } from '../../../infra/cli/tail/tail.js'
import type { LocalHub } from '../../../infra/local-hub/index.js'

export const credential = { name: 'root', key: 'the-key-nobody-may-see' }

export interface ReadingOptions extends Partial<Omit<TailOptions, 'from' | 'place'>> {
  readonly from?: string
  readonly place?: Partial<Place>
}

/** What is read, as `sluice tail` would read it. */
export function read(hub: LocalHub, { from = 'earliest', place, ...options }: ReadingOptions = {}) {
  const notices: string[] = []
  const events = tail({
    place: {
      fullyQualifiedNamespace: '127.0.0.1',
      eventHubName: 'events',
      credential,
      transportType: 'amqp',
      development: true,
      endpoint: { hostname: '127.0.0.1', port: hub.amqpPort },
      httpProxy: undefined,
      tls: undefined,
      ...place,
    },
    consumerGroup: '$Default',
    partitionIds: undefined,
    from: parsePosition(from),
    follow: false,
    signal: new AbortController().signal,
    onNotice: (line) => notices.push(line),
    ...options,
  })
  return { events, notices }
}

export async function readAll(hub: LocalHub, options: ReadingOptions = {}): Promise<ReceivedEvent[]> {
  const all: ReceivedEvent[] = []
  for await (const event of read(hub, options).events) all.push(event)
  return all
}

/** Takes so many, and leaves the reading open. */
export async function take(events: AsyncGenerator<ReceivedEvent>, count: number): Promise<ReceivedEvent[]> {
  const taken: ReceivedEvent[] = []
  while (taken.length < count) {
    const next = await events.next()
    if (next.done) break
    taken.push(next.value)
  }
  return taken
}

export const bodiesOf = (events: readonly ReceivedEvent[]) => events.map((event) => eventToJson(event).body)
