import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { AmqpTransport } from '../../core/amqp/amqp-transport.js'
import { tcpWire, type Wire } from '../../core/amqp/socket.js'
import { webSocketWire } from '../../core/amqp/websocket.js'
import type { FailureOutcome } from '../../core/errors.js'
import { type EventData, EventHubProducerClient, type EventHubProducerClientOptions } from '../../core/index.js'
import type { TransportContext } from '../../core/transport.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'
import { createPrivateAuthority } from '../support/private-authority.js'
import { seed } from '../support/seed.js'
import { slowWire } from '../support/slow-wire.js'

let state = seed | 1
/** From 0 up to 1. */
function random(): number {
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  return (state >>> 0) / 2 ** 32
}
const between = (low: number, high: number) => low + Math.floor(random() * (high - low + 1))
const happens = (probability: number) => random() < probability

const partitionIds = ['0', '1', '2', '3']
const authority = createPrivateAuthority('A private authority')

/** Around each border that the encoder knows: short and long heads, a share of a slab, a buffer of its own. */
function drawSize(): number {
  const kind = random()
  if (kind < 0.1) return between(0, 3)
  if (kind < 0.5) return between(0, 600)
  if (kind < 0.7) return between(200, 260)
  if (kind < 0.85) return between(600, 4000)
  if (kind < 0.95) return between(7900, 8200)
  if (kind < 0.99) return between(15_000, 17_000)
  return between(20_000, 200_000)
}

/** What event `number` carries: no stretch of it is in any other event, or elsewhere in itself. */
function bodyOf(number: number, size: number): Buffer {
  const body = Buffer.allocUnsafe(size)
  let word = Math.imul(number + 1, 0x9e3779b1) | 1
  for (let at = 0; at < size; at++) {
    if (at % 4 === 0) {
      word ^= word << 13
      word ^= word >>> 17
      word ^= word << 5
    }
    body[at] = (word >>> (8 * (at % 4))) & 0xff
  }
  return body
}

/** Everything given to a client: what it was, and what was said of it in the end. */
class Ledger {
  readonly #sizes: number[] = []
  readonly outcomes = new Map<number, FailureOutcome | 'accepted'>()

  /** Mostly of the common shape; some are left to rhea, and some are read by way of a getter that sends another. */
  draw(whileRead?: () => void, size = drawSize()): EventData {
    const number = this.#sizes.length
    this.#sizes.push(size)
    const bytes = bodyOf(number, size)
    const properties = {
      number,
      get size() {
        if (happens(0.01)) whileRead?.()
        return size
      },
    }
    return happens(0.05) ? { body: bytes, messageId: number, properties } : { body: bytes, properties }
  }

  /** Once accepted, always: what is sent several times may fail beside. */
  settle(events: readonly EventData[], outcome: FailureOutcome | 'accepted'): void {
    for (const { properties } of events) {
      const number = properties?.number as number
      if (this.outcomes.get(number) !== 'accepted') this.outcomes.set(number, outcome)
    }
  }

  /** Compares with what the hub has stored. */
  check(hub: LocalHub): { readonly damaged: number; readonly missing: number; readonly surprising: number } {
    const stored = new Set<number>()
    let damaged = 0
    for (const { body, applicationProperties } of hub.events('events')) {
      const number = Number(applicationProperties.number)
      const size = this.#sizes[number]
      if (size !== undefined && Number(applicationProperties.size) === size && body.equals(bodyOf(number, size))) {
        stored.add(number)
      } else damaged++
    }
    let missing = 0
    let surprising = 0
    for (const [number, outcome] of this.outcomes) {
      if (outcome === 'accepted' && !stored.has(number)) missing++
      if ((outcome === 'returned' || outcome === 'refused') && stored.has(number)) surprising++
    }
    return { damaged, missing, surprising }
  }
}

let hub: LocalHub | undefined
/** How often bytes changed while a socket held them. */
let changes = 0
const onChanged = () => changes++
const clients: EventHubProducerClient[] = []
afterEach(async () => {
  changes = 0
  await Promise.all(clients.splice(0).map((client) => client.close({ flush: false })))
  await hub?.close()
})

const target = () => {
  if (happens(0.4)) return { partitionId: partitionIds[between(0, 3)] as string }
  return happens(0.7) ? { partitionKey: `key ${between(0, 40)}` } : {}
}

/** One invocation; some have little time, or are aborted in the middle. */
async function invoke(client: EventHubProducerClient, ledger: Ledger): Promise<void> {
  const aborts = new AbortController()
  const timeoutInMs = happens(0.6) ? between(30, 400) : 20_000
  const invocation = client.beginInvocation({ timeoutInMs, reserveInMs: 0, abortSignal: aborts.signal })
  if (happens(0.2)) setTimeout(() => aborts.abort(), between(0, 300))
  const sent: EventData[] = []
  const send = () => {
    const event = ledger.draw(send)
    sent.push(event)
    void invocation.sendEvent(event, target())
  }
  const settle = ({ failures }: Awaited<ReturnType<typeof invocation.end>>) => {
    for (const { event, outcome } of failures) ledger.settle([event as EventData], outcome)
    return new Set(failures.map(({ event }) => event))
  }
  const failed = new Set<unknown>()
  const count = between(100, 400)
  for (let i = 0; i < count; i++) {
    send()
    if (happens(0.005)) for (const event of settle(await invocation.flush())) failed.add(event)
  }
  for (const event of settle(await invocation.end())) failed.add(event)
  ledger.settle(
    sent.filter((event) => !failed.has(event)),
    'accepted',
  )
}

/** A large batch of small events, that is given up more often than not; its connection lives on for what others send. */
async function giveUp(client: EventHubProducerClient, ledger: Ledger): Promise<void> {
  const invocation = client.beginInvocation({ timeoutInMs: happens(0.7) ? between(20, 120) : 20_000, reserveInMs: 0 })
  const partitionId = partitionIds[between(0, 3)] as string
  const events = Array.from({ length: between(80, 200) }, () => ledger.draw(undefined, between(500, 1500)))
  for (const event of events) void invocation.sendEvent(event, { partitionId })
  const { failures } = await invocation.end()
  const failed = new Set(failures.map(({ event }) => event))
  for (const { event, outcome } of failures) ledger.settle([event as EventData], outcome)
  ledger.settle(
    events.filter((event) => !failed.has(event)),
    'accepted',
  )
}

/** A batch that stays in one piece, sent by several at once, and again. */
async function sendBatchTwice(client: EventHubProducerClient, ledger: Ledger): Promise<void> {
  const batch = await client.createBatch({ partitionId: partitionIds[between(0, 3)] as string })
  const events: EventData[] = []
  for (let i = between(1, 300); i > 0; i--) {
    const event = ledger.draw()
    if (!batch.tryAdd(event)) break
    events.push(event)
  }
  const send = () =>
    client.sendBatch(batch, { timeoutInMs: happens(0.3) ? between(20, 300) : 20_000 }).then(
      () => ledger.settle(events, 'accepted'),
      // Another copy may have been stored.
      () => ledger.settle(events, 'unknown'),
    )
  await Promise.all([send(), send()])
  await send()
}

function makeTrouble({ faults }: LocalHub): void {
  const kind = random()
  if (kind < 0.05) faults.destroyConnections()
  else if (kind < 0.1) faults.forceCloseConnections()
  else if (kind < 0.3) faults.dropAcknowledgements(1)
  else if (kind < 0.5) faults.rejectNext({ condition: 'amqp:internal-error', count: 2 })
  else if (kind < 0.7) faults.detachNext({ condition: 'amqp:link:detach-forced', afterStoring: happens(0.5) })
}

const wires: readonly { name: string; wire: (context: TransportContext) => Wire }[] = [
  { name: 'TCP', wire: tcpWire },
  { name: 'TLS', wire: tcpWire },
  { name: 'WebSocket', wire: webSocketWire },
]

describe(`bodies arrive as they were given, whatever the network does (SEED=${seed})`, () => {
  test.each(wires)(
    'over $name',
    async ({ name, wire }) => {
      const credential = { name: 'root', key: 'the-key-nobody-may-see' }
      hub = await startLocalHub({
        tls: authority.issue(['localhost']),
        eventHubs: { events: { partitionCount: partitionIds.length } },
        sharedAccessKeys: { [credential.name]: credential.key },
      })
      const ledger = new Ledger()
      // The rest goes through without trouble, so that the test ends.
      const calmAt = performance.now() + 1500
      // Every other connection stalls again and again.
      const holds = () => {
        const stalls = happens(0.5) ? 0.3 : 0
        return () => delay(performance.now() < calmAt && happens(stalls) ? between(50, 400) : between(0, 3))
      }
      const options: EventHubProducerClientOptions = {
        transportType: (context) =>
          new AmqpTransport(context, slowWire(wire(context), { holdsOfNext: holds, onChanged })),
        retryOptions: { maxRetries: 30, retryDelayInMs: 5, maxRetryDelayInMs: 50, tryTimeoutInMs: 600 },
        tls: { ca: authority.ca },
      }
      const connect = (more: EventHubProducerClientOptions = {}) => {
        const client =
          name === 'TLS'
            ? new EventHubProducerClient('ns.example.net', 'events', credential, {
                ...options,
                customEndpointAddress: `localhost:${hub?.amqpsPort}`,
                ...more,
              } as EventHubProducerClientOptions)
            : EventHubProducerClient.fromConnectionString(
                `Endpoint=sb://127.0.0.1:${name === 'TCP' ? hub?.amqpPort : hub?.httpPort};SharedAccessKeyName=root;SharedAccessKey=${credential.key};EntityPath=events;UseDevelopmentEmulator=true`,
                { ...options, tls: undefined, ...more } as EventHubProducerClientOptions,
              )
        clients.push(client)
        return client
      }
      const client = connect()
      const buffered = connect({
        bufferedMode: true,
        maxConcurrentSendsPerPartition: 2,
        onSuccess: (events: readonly unknown[]) => ledger.settle(events as EventData[], 'accepted'),
        onError: (events: readonly unknown[], _partitionId: unknown, error: { outcome: FailureOutcome }) =>
          ledger.settle(events as EventData[], error.outcome),
      } as EventHubProducerClientOptions)
      const trouble = setInterval(() => {
        if (performance.now() < calmAt) makeTrouble(hub as LocalHub)
      }, 150)
      const side = async (rounds: number, work: () => Promise<unknown>) => {
        for (let i = 0; i < rounds; i++) await work()
      }
      await Promise.all([
        ...[1, 2, 3, 4].map(() => side(3, () => invoke(client, ledger))),
        ...[1, 2, 3].map(() => side(8, () => giveUp(client, ledger))),
        side(3, () => sendBatchTwice(client, ledger)),
        side(800, () => buffered.sendEvent(ledger.draw(), target()).catch(() => {})),
      ])
      clearInterval(trouble)
      hub.faults.reset()
      await buffered.close({ timeoutInMs: 20_000 })
      expect(changes).toBe(0)
      expect([...ledger.outcomes.values()].filter((outcome) => outcome === 'accepted').length).toBeGreaterThan(500)
      expect(ledger.check(hub)).toEqual({ damaged: 0, missing: 0, surprising: 0 })
    },
    60_000,
  )
})

test('a copy of a batch that leaves late leaves whole, though another was accepted and its events forgotten', async () => {
  hub = await startLocalHub({ eventHubs: { events: { partitionCount: 2 } } })
  let connectionCount = 0
  let open = () => {}
  let gate: Promise<void> | undefined
  const holds = () => (++connectionCount === 1 ? () => gate : () => undefined)
  let transport: AmqpTransport | undefined
  const client = EventHubProducerClient.fromConnectionString(hub.connectionString, {
    transportType: (context) => {
      transport = new AmqpTransport(context, slowWire(tcpWire(context), { holdsOfNext: holds, onChanged }))
      return transport
    },
    partitionIds: ['0', '1'],
  })
  clients.push(client)
  const { codec, send, retireConnection } = bound(transport as unknown as AmqpTransport)
  const encode = (partitionId: string, first: number, count: number) =>
    Array.from({ length: count }, (_, i) =>
      codec.encode({ body: bodyOf(first + i, 1000), properties: { number: first + i } }, undefined, partitionId),
    )
  await send('0', encode('0', 0, 1))
  await send('1', encode('1', 1, 1))

  gate = new Promise((resolve) => {
    open = resolve
  })
  const events = encode('0', 100, 200)
  const aborts = new AbortController()
  const abandoned = send('0', events, aborts.signal)
  const behind = send('1', encode('1', 2, 1))
  aborts.abort()
  await expect(abandoned).rejects.toMatchObject({ outcome: 'unknown' })
  // A new connection takes over; the old one lives on for what else is under way on it.
  retireConnection()
  await send('0', events)
  for (const event of events) codec.release?.(event)
  await send('0', encode('0', 500, 200))
  gate = undefined
  open()
  await behind
  expect(changes).toBe(0)

  const copies = new Map<number, number>()
  for (const { body, applicationProperties } of hub.events('events')) {
    const number = Number(applicationProperties.number)
    expect(body.equals(bodyOf(number, 1000))).toBe(true)
    copies.set(number, (copies.get(number) ?? 0) + 1)
  }
  for (let i = 0; i < 200; i++) expect([copies.get(100 + i), copies.get(500 + i)]).toEqual([2, 1])
})

function bound(transport: AmqpTransport) {
  return {
    codec: transport.codec,
    send: (partitionId: string, events: Parameters<AmqpTransport['send']>[1], signal?: AbortSignal) =>
      transport.send(partitionId, events, { deadline: Number.POSITIVE_INFINITY, signal }),
    retireConnection: () => transport.retireConnection(),
  }
}
