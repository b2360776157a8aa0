import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { clientFor, connectionStringProblem, EventsNotAcceptedError } from '../../adapters/flush-on-freeze.js'
import { EventHubError } from '../../core/errors.js'
import { FakeTransport } from '../support/fake-transport.js'
import { thrownBy } from '../support/thrown.js'
import { VirtualClock } from '../support/virtual-clock.js'

test('an error that a platform logs shows no event', () => {
  const error = new EventHubError('gone', { code: 'entity-not-found', outcome: 'refused' })
  const event = { body: 'private body', properties: { secret: 'private property' } }
  const thrown = new EventsNotAcceptedError({
    accepted: 1,
    failures: [{ index: 0, event, outcome: 'refused', error }],
    durationInMs: 1,
  })
  for (const text of [
    JSON.stringify(thrown),
    JSON.stringify({ ...thrown }),
    inspect(thrown),
    String(thrown),
    thrown.stack,
  ]) {
    expect(text).not.toContain('private')
  }
  expect(thrown.failures[0]?.event).toBe(event)
  expect(thrown.message).toContain('1 of 2 events')
})

const key = 'SharedAccessKeyName=send;SharedAccessKey=c2VjcmV0'
const connectionString = `Endpoint=sb://ns.example.net/;${key}`

describe('the client of a destination', () => {
  test.each([
    ['no connection string', { connectionString: 'typo', eventHubName: 'orders' }, /NAME=VALUE/],
    ['no event hub', { connectionString }, /Which event hub\?/],
    ['two event hubs', { connectionString: `${connectionString};EntityPath=a`, eventHubName: 'b' }, /EntityPath is a/],
    ['no host', { fullyQualifiedNamespace: 'https://ns/x', eventHubName: 'e', credential: { signature: 's' } }, /host/],
    ['no credential', { fullyQualifiedNamespace: 'ns', eventHubName: 'e', credential: {} as never }, /TokenCredential/],
    [
      'a misspelt option',
      { connectionString, eventHubName: 'e', clientOptions: { maxWaitTime: 5 } as never },
      /InMs\?/,
    ],
    [
      'no options',
      { connectionString, eventHubName: 'e', clientOptions: 5 as never },
      /clientOptions must be an object/,
    ],
    ['no client', { client: { eventHubName: 'orders' } as never }, /client must be an EventHubProducerClient/],
  ])('shows %s when the module loads, and not with the first event', (_, destination, words) => {
    const error = thrownBy(() => clientFor(destination))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toMatch(words)
    expect(error.message).not.toContain('c2VjcmV0')
  })

  test('is one, however often it is asked for, and touches neither network nor time before it is used', () => {
    const clock = new VirtualClock()
    const transportType = new FakeTransport(clock)
    const getClient = clientFor({ connectionString, eventHubName: 'orders', clientOptions: { clock, transportType } })
    expect(getClient().eventHubName).toBe('orders')
    expect(getClient()).toBe(getClient())
    expect([clock.pendingTimers, transportType.sends.length]).toEqual([0, 0])
  })
})

describe('a connection string', () => {
  test.each([
    ['typo', /NAME=VALUE/],
    ['', /is empty/],
    [`Endpoint=sb://ns.example.net/;EntityPath=orders`, /SharedAccessKey/],
    [`${key};EntityPath=orders`, /no Endpoint/],
    [`Endpoint=sb://ns.example.net:5671/;${key}`, /port/],
    [`${connectionString};EntityPath=a/b`, /eventHubName/],
  ])('that cannot be used is told apart, without its secret (%#)', (text, words) => {
    expect(connectionStringProblem(text)).toMatch(words)
    expect(connectionStringProblem(text)).not.toContain('c2VjcmV0')
  })

  test('may name its event hub or leave that to another setting', () => {
    expect(connectionStringProblem(connectionString)).toBeUndefined()
    expect(connectionStringProblem(`${connectionString};EntityPath=orders`)).toBeUndefined()
  })
})
