import { Duplex } from 'node:stream'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { AmqpTransport } from '../../core/amqp/amqp-transport.js'
import { tcpWire } from '../../core/amqp/socket.js'
import { EventHubError, EventHubProducerClient } from '../../core/index.js'
import { seed } from '../support/seed.js'
import { type Recorded, recordConversations, unitsOf } from './support/amqp-streams.js'
import { inputCount, mutated, Random } from './support/random.js'

/** Each is a whole client with its connection: a tenth is enough for as many frames. */
const count = Math.ceil(inputCount / 10)

let recorded: Recorded
beforeAll(async () => {
  recorded = await recordConversations()
  // rhea prints what it cannot read.
  for (const name of ['error', 'warn'] as const) vi.spyOn(console, name).mockImplementation(() => {})
})
afterAll(() => {
  vi.restoreAllMocks()
})

/** What a hostile server says, whatever it is told. */
function hostileAnswer(random: Random): Buffer {
  const units = unitsOf(random.pick(recorded.byHub))
  for (let left = 1 + random.below(3); left > 0; left--) {
    const at = random.below(units.length)
    const unit = units[at] as Buffer
    const frame = Buffer.concat([unit.subarray(0, 8), mutated(random, unit.subarray(8), units)])
    if (unit.toString('latin1', 0, 4) !== 'AMQP' && !random.chance(4)) frame.writeUInt32BE(frame.length, 0)
    units[at] = frame
  }
  return Buffer.concat(units)
}

test(`${count} hostile servers: every call of the client settles, with an error it names (SEED=${seed})`, async () => {
  const random = new Random()
  let failed = 0
  for (let input = 0; input < count; input++) {
    const bytes = hostileAnswer(random)
    const cut = random.below(bytes.length + 1)
    const client = EventHubProducerClient.fromConnectionString(
      'Endpoint=sb://127.0.0.1:5672;SharedAccessKeyName=root;SharedAccessKey=abc;EntityPath=events;UseDevelopmentEmulator=true',
      {
        sasl: random.chance(2) ? 'plain' : 'cbs',
        retryOptions: { maxRetries: 0 },
        transportType: (context) =>
          new AmqpTransport(context, {
            ...tcpWire(context),
            open: (onConnect) => {
              const stream = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() })
              setImmediate(() => {
                onConnect()
                stream.push(bytes.subarray(0, cut))
                setImmediate(() => {
                  stream.push(bytes.subarray(cut))
                  setImmediate(() => stream.destroy())
                })
              })
              return stream
            },
          }),
      },
    )
    const calls = [
      client.sendEvent({ body: 'x' }, { partitionId: '0', timeoutInMs: 5000 }),
      client.getPartitionIds({ timeoutInMs: 5000 }),
    ]
    const settled = await Promise.allSettled(calls)
    for (const result of settled) {
      if (result.status === 'fulfilled') continue
      failed += 1
      if (!(result.reason instanceof EventHubError)) {
        throw new Error(`Input ${input} of SEED=${seed}: not an error of the contract.`, { cause: result.reason })
      }
      if (result.reason.code === 'timeout') throw new Error(`Input ${input} of SEED=${seed}: a call hung.`)
    }
    await client.close({ flush: false })
  }
  expect(failed).toBeGreaterThan(count)
}, 600_000)
