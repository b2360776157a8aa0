import { Duplex } from 'node:stream'
import { beforeAll, expect, test } from 'vitest'
import { AmqpConnection } from '../../infra/local-hub/amqp/connection.js'
import { MemoryBudget } from '../../infra/local-hub/amqp/memory-budget.js'
import { EventHub } from '../../infra/local-hub/event-hub.js'
import { Faults } from '../../infra/local-hub/faults.js'
import { type HubContext, routeLinks } from '../../infra/local-hub/link-router.js'
import { seed } from '../support/seed.js'
import { type Recorded, recordConversations, sharedAccessKey, unitsOf } from './support/amqp-streams.js'
import { inputCount, mutated, Random } from './support/random.js'

let recorded: Recorded
beforeAll(async () => {
  recorded = await recordConversations()
})

const now = () => Date.now()
const unfinishedLimitInBytes = 4_000_000

/** A hub without its ports: what comes over them is put in by hand. */
function bareHub() {
  const eventHub = new EventHub({
    name: 'events',
    partitionCount: 4,
    consumerGroups: [],
    retention: { maxEvents: 100, maxSizeInBytes: 1_000_000 },
    now,
  })
  const nothing = () => {}
  const context: HubContext = {
    rules: {
      keys: new Map([['root', { key: sharedAccessKey, rights: ['send', 'listen', 'manage'] as const }]]),
      acceptJwt: undefined,
      now,
    },
    claimScope: 'prefix',
    faults: new Faults({
      closeConnections: nothing,
      destroyConnections: nothing,
      muteConnections: nothing,
      detachLinks: nothing,
      replenishCredit: nothing,
    }),
    maxMessageSizeInBytes: 1_000_000,
    linkCredit: 300,
    findEventHub: (name) => (name === 'events' ? eventHub : undefined),
  }
  const budget = new MemoryBudget(unfinishedLimitInBytes)
  const settings = {
    containerId: 'fuzzed',
    maxFrameSizeInBytes: 65_536,
    idleTimeoutInMs: 0,
    saslRequired: true,
    budget,
    latencyInMs: () => 0,
    log: nothing,
  }
  let closed = 0
  const accept = (stream: Duplex) =>
    new AmqpConnection(
      1,
      stream,
      settings,
      routeLinks(context, () => {
        closed += 1
      }),
    )
  return { accept, budget, eventHub, closed: () => closed }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** A client's bytes with something wrong, in its frames or in their order, and in chunks that end anywhere. */
function hostileStream(random: Random): Buffer[] {
  const units = unitsOf(random.pick(recorded.byClients))
  // Most of a stream stays good, so that the bad part is met deep inside.
  for (let left = 1 + random.below(3); left > 0; left--) {
    const at = random.below(units.length)
    const unit = units[at] as Buffer
    const other = random.pick(units)
    const kind = random.below(6)
    if (kind === 0) units.splice(at, 1)
    else if (kind === 1) units.splice(at, 0, other)
    else if (kind === 2) units[at] = mutated(random, unit, units)
    else {
      // Wrong within, and of the length it says.
      const inside = mutated(random, unit.subarray(8), units)
      const frame = Buffer.concat([unit.subarray(0, 8), inside])
      if (frame.length >= 4 && unit.toString('latin1', 0, 4) !== 'AMQP') frame.writeUInt32BE(frame.length, 0)
      units[at] = frame
    }
    if (units.length === 0) units.push(other)
  }
  const bytes = Buffer.concat(units)
  if (random.chance(2)) return [bytes]
  const cut = random.below(bytes.length + 1)
  return [bytes.subarray(0, cut), bytes.subarray(cut)]
}

test(`${inputCount} hostile streams: the hub neither throws nor hangs, keeps no memory, and goes on (SEED=${seed})`, async () => {
  const random = new Random()
  const { accept, budget, eventHub, closed } = bareHub()
  let answered = 0
  let answeredInBytes = 0
  let mostAnsweredInBytes = 0
  for (let input = 0; input < inputCount; input++) {
    let isAnswered = false
    let size = 0
    const stream = new Duplex({
      read: () => {},
      write: (chunk: Buffer, _encoding, done) => {
        isAnswered = true
        size += chunk.length
        done()
      },
    })
    accept(stream)
    for (const chunk of hostileStream(random)) stream.push(chunk)
    await turn()
    // A good peer would wait for answers now and then; two turns let them be written.
    if (random.chance(4)) await turn()
    stream.destroy()
    await turn()
    if (isAnswered) answered += 1
    answeredInBytes += size
    mostAnsweredInBytes = Math.max(mostAnsweredInBytes, size)
    // What an input costs must end with its connection.
    if (closed() !== input + 1) throw new Error(`Input ${input}: its connection did not end (SEED=${seed}).`)
    if (budget.usedInBytes !== 0) throw new Error(`Input ${input}: ${budget.usedInBytes} bytes stayed (SEED=${seed}).`)
  }
  // The inputs went deep: nearly all were answered, and many events were stored on the way.
  expect(answered).toBeGreaterThan(inputCount * 0.9)
  const stored = eventHub.partitions.reduce((sum, { log }) => sum + log.toArray().length, 0)
  expect(stored).toBeGreaterThan(0)
  expect(stored).toBeLessThanOrEqual(400)
  // Nothing is blown up: a few kilobytes in get no megabyte out.
  expect(answeredInBytes / inputCount).toBeLessThan(20_000)
  expect(mostAnsweredInBytes).toBeLessThan(1_000_000)
}, 600_000)
