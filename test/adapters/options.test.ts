import { describe, expect, test } from 'vitest'
import { forwardToEventHub, functionUrlHandler, withEventHub } from '../../adapters/aws-lambda/index.js'
import { eventHubOutput } from '../../adapters/azure-functions/index.js'
import { createFetchHandler } from '../../adapters/fetch/index.js'
import { thrownBy } from '../support/thrown.js'

// What every adapter says of mistaken options, as users without types meet it.

const connectionString =
  'Endpoint=sb://ns.example.net/;SharedAccessKeyName=send;SharedAccessKey=c2VjcmV0;EntityPath=orders'

const adapters: Readonly<Record<string, (options: never) => unknown>> = {
  forwardToEventHub: (options) => forwardToEventHub(options),
  withEventHub: (options) => withEventHub(options, () => 'done'),
  createFetchHandler: (options) => createFetchHandler(options),
  eventHubOutput: (options) => eventHubOutput(options),
}

describe.each(Object.entries(adapters))('%s', (name, make) => {
  const auth = name === 'createFetchHandler' ? { auth: 'none' } : {}
  const given = (options: object) => () => make({ connectionString, ...auth, ...options } as never)

  test('takes what it knows', () => {
    expect(given({})).not.toThrow()
  })

  test.each([[null], [5], ['orders'], [[]]])('refuses options that are no object (%j)', (options) => {
    const error = thrownBy(() => make(options as never))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toMatch(/options must be an object.*; received (null|a number|a string|an array)\.$/)
  })

  test.each([
    ['connectionstring', 'connectionString'],
    ['connection_string', 'connectionString'],
    ['eventhubName', 'eventHubName'],
    ['clientOption', 'clientOptions'],
  ])('refuses the unknown name %s, suggesting %s', (wrong, meant) => {
    const error = thrownBy(given({ [wrong]: 'x' }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toBe(`Unknown option "${wrong}" in the ${name} options. Did you mean ${meant}?`)
  })

  test('refuses an unknown name among the client’s options at once, with what the other clients call it', () => {
    const error = thrownBy(given({ clientOptions: { max_wait_time: 1 } }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toBe('Unknown option "max_wait_time". Did you mean maxWaitTimeInMs?')
  })

  test('refuses a connection string that cannot be used at once, without showing it', () => {
    const error = thrownBy(given({ connectionString: 'SharedAccessKey=c2VjcmV0' }))
    expect(error.message).toMatch(/connection string has no Endpoint/)
    expect(error.message).not.toContain('c2VjcmV0')
  })
})

test.each(['forwardToEventHub', 'createFetchHandler'])('%s: a logger is an object with functions', (name) => {
  const auth = name === 'createFetchHandler' ? { auth: 'none' } : {}
  for (const logger of [true, null, 'console', { warn: 'x' }]) {
    expect(() => adapters[name]?.({ connectionString, ...auth, logger } as never)).toThrow(/^logger(\.warn)? must be /)
  }
})

describe('functionUrlHandler', () => {
  const door = { fetch: () => new Response() }

  test('refuses a misspelt option, which would leave the door open', () => {
    expect(() => functionUrlHandler(door, { requireAuthoriser: true } as never)).toThrow(
      'Unknown option "requireAuthoriser" in the functionUrlHandler options. Did you mean requireAuthorizer?',
    )
    expect(() => functionUrlHandler(door, { requireAuthorizer: 'true' } as never)).toThrow(
      "requireAuthorizer must be true or false; received 'true'.",
    )
    expect(() => functionUrlHandler(door, null as never)).toThrow(/functionUrlHandler options must be an object/)
  })

  test('refuses a door that is none', () => {
    for (const wrong of [undefined, null, {}, createFetchHandler]) {
      const error = thrownBy(() => functionUrlHandler(wrong as never))
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toMatch(/^functionUrlHandler takes a door first/)
    }
  })
})
