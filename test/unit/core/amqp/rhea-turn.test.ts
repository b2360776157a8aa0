import { PassThrough } from 'node:stream'
import rhea, { type Connection } from 'rhea'
import { expect, test } from 'vitest'
import { writeNoMore } from '../../../../core/amqp/rhea-turn.js'

/** What rhea has and its type declarations leave out. */
interface Insides {
  heartbeat_in: NodeJS.Timeout | undefined
  output(): void
}

function connectionOf(socket: PassThrough): Connection & Insides {
  const connect = (_port: number, _host: string, _options: unknown, onConnect: () => void) => {
    queueMicrotask(onConnect)
    return socket
  }
  const options = {
    connection_details: () => ({ connect, host: 'h', port: 1 }),
    idle_time_out: 30_000,
    reconnect: false,
  }
  return rhea.create_container().connect(options as never) as never
}

// Found by test/simulation, seed 1052092.
test.each([
  ['begins its heartbeat anew when it writes after the end', false],
  ['has no heartbeat after the end when nothing is written any more', true],
])('a connection %s', async (_what, isSilenced) => {
  const socket = new PassThrough()
  const connection = connectionOf(socket)
  await new Promise((resolve) => setImmediate(resolve))
  expect(connection.heartbeat_in).toBeDefined()
  // As rhea leaves a connection that both sides have closed.
  clearTimeout(connection.heartbeat_in)
  connection.heartbeat_in = undefined
  if (isSilenced) writeNoMore(connection)
  connection.output()
  expect(connection.heartbeat_in !== undefined).toBe(!isSilenced)
  clearTimeout(connection.heartbeat_in)
})
