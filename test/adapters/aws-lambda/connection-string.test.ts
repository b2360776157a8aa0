import { afterEach, expect, test, vi } from 'vitest'
import { forwardToEventHub, withEventHub } from '../../../adapters/aws-lambda/index.js'

// Through the environment itself, as a deployed function meets it.

const key = 'SharedAccessKeyName=send;SharedAccessKey=c2VjcmV0'

afterEach(() => {
  vi.unstubAllEnvs()
})

const makers = { forwardToEventHub: () => forwardToEventHub(), withEventHub: () => withEventHub({}, () => 'done') }

test.each([
  ['is a typo', 'typo', '', /^EVENTHUB_CONNECTION_STRING cannot be used\. .*NAME=VALUE/],
  ['is a typo beside a name', 'typo', 'orders', /^EVENTHUB_CONNECTION_STRING cannot be used\. .*NAME=VALUE/],
  ['has no Endpoint', key, 'orders', /^EVENTHUB_CONNECTION_STRING cannot be used\. .*no Endpoint/],
  [
    'has no key',
    'Endpoint=sb://ns/;EntityPath=orders',
    '',
    /^EVENTHUB_CONNECTION_STRING cannot be used\. .*SharedAccessKey/,
  ],
  ['names no event hub', `Endpoint=sb://ns/;${key}`, '', /^EVENTHUB_NAME is not set/],
])('a connection string that %s is told of when the module loads, by the variable at fault', (_, text, name, words) => {
  vi.stubEnv('EVENTHUB_CONNECTION_STRING', text)
  vi.stubEnv('EVENTHUB_NAME', name)
  for (const make of Object.values(makers)) {
    expect(make).toThrow(TypeError)
    expect(make).toThrow(words)
    expect(make).not.toThrow(/c2VjcmV0/)
  }
})

test('a connection string that can be used is told of by nobody', () => {
  vi.stubEnv('EVENTHUB_CONNECTION_STRING', `Endpoint=sb://ns/;${key};EntityPath=orders`)
  for (const make of Object.values(makers)) expect(make).not.toThrow()
})
