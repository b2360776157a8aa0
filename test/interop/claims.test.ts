import { afterAll, beforeAll, expect, test } from 'vitest'
import { signature } from '../integration/local-hub/raw-client.js'
import { createPrivateAuthority } from '../support/private-authority.js'
import { key, keyName, type Service, startService } from './support/service.js'
import { Stranger } from './support/stranger.js'

let service: Service
let azure: Stranger
let proton: Stranger
beforeAll(async () => {
  service = await startService({ events: { partitionCount: 1 } })
  azure = new Stranger('azure_client')
  proton = new Stranger('proton_client')
})
afterAll(async () => {
  await Promise.all([azure[Symbol.asyncDispose](), proton[Symbol.asyncDispose]()])
  await service[Symbol.asyncDispose]()
})

const stored = () => service.hub.events('events').length
const audience = 'sb://localhost/events'
const sasType = 'servicebus.windows.net:sastoken'

/** Proton without a key: it has to put a token. */
const anonymous = () => {
  const { url, ca } = service.proton
  return { url, ca, mechanisms: 'ANONYMOUS' }
}

test('Proton puts a token by hand, over TLS, and may send then; with a token of another key it may not', async () => {
  const request = { ...anonymous(), name: audience, kind: sasType, then_send_to: 'events' }
  const before = stored()
  const good = await proton.call('put_token', { ...request, token: signature(audience, { key, keyName }) })
  expect(good).toEqual({ status: ['int', '202'], description: 'Accepted' })
  expect(stored()).toBe(before + 1)
  const forged = await proton.call('put_token', { ...request, token: signature(audience, { key: 'other', keyName }) })
  expect(forged).toMatchObject({ status: ['int', '401'] })
  const message = { body: ['string', 'x'] }
  await expect(proton.call('send', { ...anonymous(), address: 'events', messages: [message] })).rejects.toMatchObject({
    type: 'LinkDetached',
    condition: 'amqp:unauthorized-access',
  })
  expect(stored()).toBe(before + 1)
})

test('Proton with SASL PLAIN: the key lets it in, over TLS and in the clear on loopback; another key does not', async () => {
  const message = { body: ['string', 'x'] }
  const before = stored()
  const clear = { url: `amqp://127.0.0.1:${service.hub.amqpPort}`, user: keyName, password: key, mechanisms: 'PLAIN' }
  for (const connection of [service.proton, clear]) {
    await proton.call('send', { ...connection, address: 'events', messages: [message] })
    await expect(
      proton.call('send', { ...connection, password: 'other', address: 'events', messages: [message] }),
    ).rejects.toMatchObject({ type: 'ConnectionException' })
  }
  expect(stored()).toBe(before + 2)
})

test('a server whose certificate is of another authority is let down by both strangers, before anything is said', async () => {
  const before = stored()
  await using other = await startService({ events: {} })
  // The authority of one, the address of the other.
  const strange = { ...service.proton, url: other.proton.url }
  await expect(
    proton.call('send', { ...strange, address: 'events', messages: [{ body: ['null', null] }] }),
  ).rejects.toMatchObject({ type: 'ConnectionException' })
  const connection = { ...service.azure('events'), amqps_port: other.hub.amqpsPort }
  await expect(
    azure.call('send', { ...connection, events: [{ body: ['str', 'x'] }], target: {} }),
  ).rejects.toMatchObject({ type: 'ConnectError' })
  expect(createPrivateAuthority('third').ca).not.toBe(service.ca)
  expect([stored(), other.hub.events('events').length]).toEqual([before, 0])
})

test('the Python client with a wrong key, an unknown event hub or an unknown partition is told what it is used to', async () => {
  const connection = service.azure('events')
  const event = { body: ['str', 'x'] }
  const changed = (from: RegExp | string, to: string) => ({
    ...connection,
    connection_string: String(connection.connection_string).replace(from, to),
  })
  const send = (argument: object, target = {}) => azure.call('send', { ...argument, events: [event], target })
  await expect(send(changed(key, 'other'))).rejects.toMatchObject({ type: 'AuthenticationError' })
  await expect(send(changed('EntityPath=events', 'EntityPath=none'))).rejects.toMatchObject({
    type: 'ConnectionLostError',
    message: expect.stringContaining('could not be found'),
  })
  await expect(send(connection, { partition_id: '9' })).rejects.toMatchObject({ type: expect.stringMatching(/Error$/) })
  await send(connection)
})
