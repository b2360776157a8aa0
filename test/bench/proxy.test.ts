import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type LatencyProxy, startLatencyProxy } from './support/proxy.js'

const roundTripInMs = 40

let echo: Server
let proxy: LatencyProxy
beforeEach(async () => {
  echo = createServer((socket) => socket.on('error', () => {}).pipe(socket))
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve))
  proxy = await startLatencyProxy((echo.address() as AddressInfo).port, roundTripInMs)
})
afterEach(async () => {
  await proxy.close()
  await new Promise((resolve) => echo.close(resolve))
})

function open(): Socket {
  return connect(proxy.port, '127.0.0.1').setEncoding('latin1')
}

/** Sends these pieces, each by itself, and waits until all of them have come back. */
async function exchange(socket: Socket, pieces: readonly string[]): Promise<{ text: string; tookInMs: number }> {
  const startedAt = performance.now()
  for (const piece of pieces) socket.write(piece)
  let text = ''
  while (text.length < pieces.join('').length) text += (await once(socket, 'data'))[0]
  return { text, tookInMs: performance.now() - startedAt }
}

test('opening a connection takes a round trip, each exchange another, and bytes keep their order', async () => {
  const socket = open()
  const first = await exchange(socket, ['a', 'b', 'c'])
  expect(first.text).toBe('abc')
  expect(first.tookInMs).toBeGreaterThanOrEqual(2 * roundTripInMs - 1)
  const large = 'x'.repeat(300_000)
  expect((await exchange(socket, ['d', large, 'e'])).text).toBe(`d${large}e`)
  expect([proxy.bytesUp, proxy.bytesDown]).toEqual([300_005, 300_005])
  const later = []
  for (let i = 0; i < 5; i++) later.push((await exchange(socket, ['f'])).tookInMs)
  const quickest = Math.min(...later)
  expect(quickest).toBeGreaterThanOrEqual(roundTripInMs - 1)
  expect(quickest).toBeLessThan(2 * roundTripInMs)
})

test('silence holds for the connections that are open, and not for new ones', async () => {
  let arrived = ''
  echo.on('connection', (socket) => socket.on('data', (bytes) => (arrived += String(bytes))))
  const silent = open()
  await exchange(silent, ['a'])
  let heard = 0
  silent.on('data', () => heard++)
  proxy.silence()
  silent.write('b')
  // Comes back long after the other would have.
  await exchange(open(), ['c'])
  expect(arrived).toBe('ac')
  expect(heard).toBe(0)
  expect(silent.destroyed).toBe(false)
})

test('a lost answer is one to bytes that arrived', async () => {
  let arrived = ''
  echo.on('connection', (socket) => socket.on('data', (bytes) => (arrived += String(bytes))))
  const socket = open()
  await exchange(socket, ['a'])
  let heard = 0
  socket.on('data', () => heard++)
  proxy.silenceAnswers()
  socket.write('b')
  await exchange(open(), ['c'])
  expect(arrived).toBe('abc')
  expect(heard).toBe(0)
})

test('FIN ends a connection in good order, RST with an error', async () => {
  const [finished, reset] = [open(), open()]
  await Promise.all([exchange(finished, ['a']), exchange(reset, ['a'])])
  finished.resume()
  const end = once(finished, 'end')
  proxy.finish()
  await end
  const other = open()
  await exchange(other, ['a'])
  const [error] = await Promise.all([once(other, 'error'), Promise.resolve(proxy.reset())])
  expect(error[0]).toMatchObject({ code: 'ECONNRESET' })
  reset.destroy()
})
