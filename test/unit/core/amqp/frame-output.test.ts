import { createRequire } from 'node:module'
import { Writable } from 'node:stream'
import fc from 'fast-check'
import rhea from 'rhea'
import { expect, test } from 'vitest'
import { writeWithoutCopying } from '../../../../core/amqp/frame-output.js'
import { seed } from '../../../support/seed.js'

interface Frames {
  amqp_frame(channel: number, performative?: unknown, payload?: Buffer): unknown
  transfer(fields: Record<string, unknown>): unknown
  flow(fields: Record<string, unknown>): unknown
}

// rhea's own, which its package does not export by name.
const frames = createRequire(import.meta.url)('rhea/lib/frames.js') as Frames

/** Writes the turns of frames, and gives back what each write of the socket held. */
function written(turns: readonly (readonly unknown[])[], prepare: (connection: never) => void): Buffer[] {
  const chunks: Buffer[][] = []
  const socket = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push([chunk])
      done()
    },
    writev: (items, done) => {
      chunks.push(items.map(({ chunk }) => chunk as Buffer))
      done()
    },
  })
  const connection = rhea.create_container().create_connection({ reconnect: false } as never) as never
  prepare(connection)
  const { amqp_transport: transport } = connection as {
    amqp_transport: { encode(frame: unknown): void; write(socket: unknown): void }
  }
  for (const turn of turns) {
    for (const frame of turn) transport.encode({ ...(frame as object) })
    transport.write(socket)
  }
  return chunks.map((parts) => Buffer.concat(parts))
}

const payload = fc.oneof(
  fc.constant(undefined),
  fc.tuple(fc.constantFrom(1, 4095, 4096, 65_000), fc.nat(255)).map(([size, fill]) => Buffer.alloc(size, fill)),
)
const frame = fc.oneof(
  fc.tuple(fc.nat(50_000), payload).map(([id, bytes]) =>
    frames.amqp_frame(
      1,
      frames.transfer({
        handle: id % 3,
        delivery_id: id,
        delivery_tag: Buffer.from(`${id}`),
        message_format: 0x80013700,
        more: id % 2 === 0,
      }),
      bytes,
    ),
  ),
  fc.nat(9).map((handle) => frames.amqp_frame(1, frames.flow({ handle, incoming_window: 2048 }))),
  fc.constant(frames.amqp_frame(0)),
)

test(`the peer gets the very bytes that rhea would write, each turn in one write (SEED=${seed})`, () => {
  fc.assert(
    fc.property(fc.array(fc.array(frame, { maxLength: 6 }), { maxLength: 4 }), (turns) => {
      const plain = written(turns, () => {})
      const ours = written(turns, writeWithoutCopying)
      expect(Buffer.concat(ours).equals(Buffer.concat(plain))).toBe(true)
      // The first turn, with nothing else to say, says which protocol follows.
      const spoken = turns.filter((turn, index) => turn.length > 0 || index === 0)
      expect(ours).toHaveLength(spoken.length)
    }),
    { numRuns: 200, seed },
  )
})

test('a large payload is written from where it lies', () => {
  const batch = Buffer.alloc(100_000, 1)
  const parts: Buffer[] = []
  const socket = new Writable({
    writev: (items, done) => {
      parts.push(...items.map(({ chunk }) => chunk as Buffer))
      done()
    },
  })
  const connection = rhea.create_container().create_connection({ reconnect: false } as never) as never
  writeWithoutCopying(connection)
  const { amqp_transport: transport } = connection as {
    amqp_transport: { encode(frame: unknown): void; write(socket: unknown): void }
  }
  transport.encode(frames.amqp_frame(0, frames.transfer({ handle: 0 }), batch.subarray(0, 60_000)))
  transport.write(socket)
  expect(parts.some((part) => part.buffer === batch.buffer && part.length === 60_000)).toBe(true)
})
