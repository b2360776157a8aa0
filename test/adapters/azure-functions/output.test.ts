import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { closeSharedClients } from '../../../adapters/azure-functions/clients.js'
import { eventHubOutput } from '../../../adapters/azure-functions/index.js'
import { settingsOf } from '../../../adapters/azure-functions/output.js'

const connectionString = 'Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=c2VjcmV0'
const clientOf = (...args: Parameters<typeof eventHubOutput>) => settingsOf(eventHubOutput(...args))?.client

beforeEach(() => vi.stubEnv('Hub', connectionString))
afterEach(async () => {
  vi.unstubAllEnvs()
  await closeSharedClients()
})

test('a missing app setting is an error while the app loads', () => {
  expect(() => eventHubOutput({ connection: 'Missing', eventHubName: 'orders' })).toThrow(
    /app setting Missing is missing/,
  )
})

test('a setting that is no connection string is named, and its value is not shown', () => {
  vi.stubEnv('Hub', 'Endpoint=sb://ns;SharedAccessKeyName=x;SharedAccessKey=c2VjcmV0;nonsense')
  const make = () => eventHubOutput({ connection: 'Hub', eventHubName: 'orders' })
  expect(make).toThrow(/with the app setting Hub: .*NAME=VALUE/)
  expect(make).not.toThrow(/c2VjcmV0/)
})

test('an event hub’s name that is a connection string by mistake is refused, and not shown', () => {
  vi.stubEnv('Hub', `${connectionString};EntityPath=orders`)
  vi.stubEnv('NAME', connectionString)
  for (const eventHubName of ['%NAME%', connectionString]) {
    const make = () => eventHubOutput({ connection: 'Hub', eventHubName })
    expect(make).toThrow(/is not the name of an event hub/)
    expect(make).not.toThrow(/c2VjcmV0/)
  }
  expect(() => eventHubOutput({ connection: 'Hub', eventHubName: 7 as never })).toThrow(
    'eventHubName must be a string; received a number.',
  )
})

test.each(['name', 'partitionKey'])('%s is a text, or the output is not made', (option) => {
  const make = (value: unknown) => () => eventHubOutput({ connection: 'Hub', eventHubName: 'orders', [option]: value })
  expect(make(7)).toThrow(`${option} must be a string of at least one character; received a number.`)
  expect(make('')).toThrow(`${option} must be a string of at least one character; received an empty one.`)
})

test('an event hub named nowhere is asked for', () => {
  expect(() => eventHubOutput({ connection: 'Hub' })).toThrow(/app setting Hub: .*EntityPath=NAME/)
})

test('the app setting and the name lead to the event hub', () => {
  vi.stubEnv('STAGE', 'test')
  const client = clientOf({ connection: 'Hub', eventHubName: 'orders-%STAGE%' })
  expect(client).toMatchObject({ fullyQualifiedNamespace: 'ns.servicebus.windows.net', eventHubName: 'orders-test' })
})

test('a namespace and an identity lead to the event hub without a secret', () => {
  vi.stubEnv('Identity__fullyQualifiedNamespace', 'other.servicebus.windows.net')
  vi.stubEnv('Identity__credential', 'managedidentity')
  const client = clientOf({ connection: 'Identity', eventHubName: 'orders' })
  expect(client).toMatchObject({ fullyQualifiedNamespace: 'other.servicebus.windows.net', eventHubName: 'orders' })
  expect(clientOf({ connection: 'Identity', eventHubName: 'orders' })).toBe(client)
})

test('outputs with one destination share one client; others do not', () => {
  const client = clientOf({ connection: 'Hub', eventHubName: 'orders' })
  expect(clientOf({ connection: 'Hub', eventHubName: 'orders', partitionKey: 'k', timeoutInMs: 1, name: 'n' })).toBe(
    client,
  )
  expect(clientOf({ connectionString, eventHubName: 'orders' })).toBe(client)
  expect(clientOf({ connection: 'Hub', eventHubName: 'invoices' })).not.toBe(client)
  expect(clientOf({ connection: 'Hub', eventHubName: 'orders', clientOptions: { userAgent: 'x' } })).not.toBe(client)
})

test('outputs made over and over for new destinations end in an error and not in ever more connections', () => {
  const make = () => {
    for (let i = 0; i <= 64; i++) eventHubOutput({ connection: 'Hub', eventHubName: `hub-${i}` })
  }
  expect(make).toThrow(/64 different destinations.*module level/)
  expect(clientOf({ connection: 'Hub', eventHubName: 'hub-1' })).toBeDefined()
})

test('unknown and contradictory options are refused by name', () => {
  expect(() => eventHubOutput({ connection: 'Hub', eventhubname: 'orders' } as never)).toThrow(
    /eventhubname.*eventHubName/,
  )
  expect(() => eventHubOutput({ connection: 'Hub', connectionString, eventHubName: 'orders' })).toThrow(
    /either connection or connectionString/,
  )
  expect(() => eventHubOutput({ eventHubName: 'orders' })).toThrow(/Where should events go/)
  expect(() => eventHubOutput({ connection: 'Hub', eventHubName: 'orders', timeoutInMs: 0 })).toThrow(/timeoutInMs/)
})

test('outputs without a name of their own get different ones', () => {
  const options = { connection: 'Hub', eventHubName: 'orders' }
  expect(eventHubOutput(options).name).not.toBe(eventHubOutput(options).name)
})
