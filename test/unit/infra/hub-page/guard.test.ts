import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { refuse } from '../../../../infra/hub-page/guard.js'

function statusOf(localAddress: string, remoteAddress: string | undefined, host: string): number | undefined {
  const request = { method: 'GET', headers: { host }, socket: { localAddress, remoteAddress } }
  return refuse(request as unknown as IncomingMessage)?.status
}

test('this machine is answered, by loopback or by an address of its own', () => {
  expect(statusOf('127.0.0.1', '127.0.0.1', 'localhost:8090')).toBeUndefined()
  expect(statusOf('::1', '::1', '[::1]:8090')).toBeUndefined()
  expect(statusOf('::ffff:127.0.0.1', '::ffff:127.0.0.1', '127.0.0.1')).toBeUndefined()
  expect(statusOf('192.168.1.5', '192.168.1.5', '192.168.1.5:8090')).toBeUndefined()
  expect(statusOf('fd00::5', 'fd00::5', '[fd00::5]:8090')).toBeUndefined()
})

test.each([
  ['another machine', '192.168.1.5', '192.168.1.6', '192.168.1.5:8090'],
  ['another machine that names loopback', '192.168.1.5', '192.168.1.6', 'localhost:8090'],
  ['a caller whose socket is gone', '127.0.0.1', undefined, 'localhost'],
  ['a foreign name', '127.0.0.1', '127.0.0.1', 'evil.example:8090'],
  ['a foreign name that begins as an own one', '127.0.0.1', '127.0.0.1', '127.0.0.1.evil.example'],
  ['another address', '127.0.0.1', '127.0.0.1', '192.168.1.5:8090'],
  ['no name', '127.0.0.1', '127.0.0.1', ':8090'],
])('%s is not', (_, local, remote, host) => {
  expect(statusOf(local, remote, host)).toBe(403)
})
