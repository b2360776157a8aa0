import { Duplex } from 'node:stream'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { AmqpTransport } from '../../core/amqp/amqp-transport.js'
import { tcpWire } from '../../core/amqp/socket.js'
import { EventHubError, EventHubProducerClient } from '../../core/index.js'
import { skipValue } from '../../infra/local-hub/amqp/decoder.js'
import { Reader } from '../../infra/local-hub/amqp/reader.js'
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

/**
 * rhea's reader makes an array of as many nulls as a frame claims, up to four billion, from a few bytes: a known hole
 * (docs/threat-model.md) that ends the process, so no frame here may use it.
 */
function claimsTooMuch(frame: Buffer): boolean {
  for (let start = 8; start < frame.length; start++) {
    // Wherever an array might begin: which bytes are read as one depends on what the mutation did to those before.
    if (frame[start] !== 0xe0 && frame[start] !== 0xf0) continue
    try {
      skipValue(new Reader(frame.subarray(start)))
    } catch (error) {
      if (/more elements than its size/.test(String(error))) return true
    }
    const countAt = frame[start] === 0xe0 ? start + 2 : start + 5
    const count =
      frame[start] === 0xe0 ? (frame[countAt] ?? 0) : countAt + 4 <= frame.length ? frame.readUInt32BE(countAt) : 0
    if (count > 1_000_000) return true
  }
  return false
}

/** What a hostile server says, whatever it is told. */
function hostileAnswer(random: Random): Buffer {
  const units = unitsOf(random.pick(recorded.byHub))
  for (let left = 1 + random.below(3); left > 0; left--) {
    const at = random.below(units.length)
    const unit = units[at] as Buffer
    const frame = Buffer.concat([unit.subarray(0, 8), mutated(random, unit.subarray(8), units)])
    if (unit.toString('latin1', 0, 4) !== 'AMQP' && !random.chance(4)) frame.writeUInt32BE(frame.length, 0)
    if (!claimsTooMuch(frame)) units[at] = frame
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
