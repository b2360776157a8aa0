import { Duplex } from 'node:stream'
import type { Wire } from '../../core/amqp/socket.js'

export interface SlowWireOptions {
  /** Called for each connection; what it returns, for each write, which leaves once that resolves. */
  readonly holdsOfNext: () => () => Promise<unknown> | undefined
  /** Called when bytes leave that are not those which were given. */
  readonly onChanged: () => void
}

/**
 * A way for AMQP's bytes on which each write stays for a while, as in a socket whose peer reads slowly. Until then the
 * chunks are held as they were given, not copied: whoever writes into their memory too early is found out.
 */
export function slowWire(wire: Wire, { holdsOfNext, onChanged }: SlowWireOptions): Wire {
  return {
    ...wire,
    open: (onConnect) => {
      const inner = wire.open(onConnect)
      const hold = holdsOfNext()
      const write = async (chunks: readonly Buffer[], done: () => void) => {
        const given = Buffer.concat(chunks)
        await hold()
        if (outer.destroyed) return
        if (!Buffer.concat(chunks).equals(given)) onChanged()
        inner.cork()
        for (const [at, chunk] of chunks.entries()) inner.write(chunk, at === chunks.length - 1 ? done : undefined)
        inner.uncork()
      }
      const outer: Duplex = new Duplex({
        read: () => inner.resume(),
        write: (chunk: Buffer, _encoding, done) => void write([chunk], () => done()),
        writev: (chunks, done) =>
          void write(
            chunks.map(({ chunk }) => chunk as Buffer),
            () => done(),
          ),
        final: (done) => {
          inner.end()
          done()
        },
        destroy: (error, done) => {
          inner.destroy()
          done(error)
        },
      })
      inner.on('data', (chunk) => {
        if (!outer.push(chunk)) inner.pause()
      })
      inner.on('end', () => outer.push(null))
      inner.on('error', (error) => outer.destroy(error))
      inner.on('close', () => outer.destroy())
      return outer
    },
  }
}
