import { describe, expect, test } from 'vitest'
import {
  destinationFromEnvironment,
  lazyDefaultAzureCredential,
  loadIdentity,
} from '../../../adapters/aws-lambda/connection.js'
import { createForwarder } from '../../../adapters/aws-lambda/forward.js'
import { systemClock } from '../../../core/clock.js'

const connectionString = 'Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=c2VjcmV0'

describe('configuration by environment', () => {
  test('takes a connection string with its event hub in EntityPath or beside it', () => {
    const whole = `${connectionString};EntityPath=orders`
    expect(destinationFromEnvironment({ EVENTHUB_CONNECTION_STRING: whole })).toEqual({ connectionString: whole })
    expect(
      destinationFromEnvironment({ EVENTHUB_CONNECTION_STRING: connectionString, EVENTHUB_NAME: 'orders' }),
    ).toEqual({ connectionString, eventHubName: 'orders' })
  })

  test('takes a namespace with a credential that loads nothing until it is used', () => {
    const destination = destinationFromEnvironment({
      EVENTHUB_FULLY_QUALIFIED_NAMESPACE: 'ns.servicebus.windows.net',
      EVENTHUB_NAME: 'orders',
    })
    expect(destination).toEqual({
      fullyQualifiedNamespace: 'ns.servicebus.windows.net',
      eventHubName: 'orders',
      credential: { getToken: expect.any(Function) },
    })
  })

  test.each([
    ['nothing', {}, /Set EVENTHUB_CONNECTION_STRING, or EVENTHUB_FULLY_QUALIFIED_NAMESPACE with EVENTHUB_NAME/],
    ['empty values', { EVENTHUB_CONNECTION_STRING: '', EVENTHUB_NAME: '' }, /Set EVENTHUB_CONNECTION_STRING/],
    ['a name alone', { EVENTHUB_NAME: 'orders' }, /Set EVENTHUB_CONNECTION_STRING/],
    ['no EntityPath', { EVENTHUB_CONNECTION_STRING: connectionString }, /EVENTHUB_NAME is not set/],
    [
      'an empty EntityPath',
      { EVENTHUB_CONNECTION_STRING: `${connectionString};EntityPath=` },
      /EVENTHUB_NAME is not set/,
    ],
    ['no name', { EVENTHUB_FULLY_QUALIFIED_NAMESPACE: 'ns' }, /EVENTHUB_NAME is not set/],
    [
      'two destinations',
      { EVENTHUB_CONNECTION_STRING: connectionString, EVENTHUB_FULLY_QUALIFIED_NAMESPACE: 'ns' },
      /Both EVENTHUB_CONNECTION_STRING and EVENTHUB_FULLY_QUALIFIED_NAMESPACE/,
    ],
  ])('with %s names what is wrong when the handler is made, and no secret', (_, environment, words) => {
    const make = () => createForwarder({}, { environment, clock: systemClock })
    expect(make).toThrow(TypeError)
    expect(make).toThrow(words)
    expect(make).not.toThrow(/c2VjcmV0/)
  })

  test('is not asked when the options name any part of a destination', () => {
    const environment = { EVENTHUB_CONNECTION_STRING: `${connectionString};EntityPath=orders` }
    const make = () => createForwarder({ eventHubName: 'invoices' }, { environment, clock: systemClock })
    expect(make).toThrow(/Where should events go/)
  })
})

describe('the lazy credential', () => {
  const token = { token: 'jwt', expiresOnTimestamp: 1 }

  test('is made once, and passes the call on', async () => {
    let loads = 0
    const asked: unknown[] = []
    const credential = lazyDefaultAzureCredential(async () => {
      loads++
      return {
        getToken: async (...call) => {
          asked.push(call)
          return token
        },
      }
    })
    expect(await Promise.all([credential.getToken('scope', { x: 1 } as never), credential.getToken('other')])).toEqual([
      token,
      token,
    ])
    expect(loads).toBe(1)
    expect(asked).toEqual([
      ['scope', { x: 1 }],
      ['other', undefined],
    ])
  })

  test('tries to load again after a failure', async () => {
    let loads = 0
    const credential = lazyDefaultAzureCredential(async () => {
      if (loads++ === 0) throw new Error('disk asleep')
      return { getToken: async () => token }
    })
    await expect(credential.getToken('scope')).rejects.toThrow('disk asleep')
    expect(await credential.getToken('scope')).toEqual(token)
  })

  test('whose package is missing says what to add', async () => {
    const missing = Object.assign(new Error("Cannot find package '@azure/identity'"), { code: 'ERR_MODULE_NOT_FOUND' })
    await expect(loadIdentity(() => Promise.reject(missing))).rejects.toMatchObject({
      code: 'authentication-failed',
      message: expect.stringMatching(/npm install @azure\/identity.*identity=bundled/),
      cause: missing,
    })
  })

  test('whose package fails in another way passes that failure on', async () => {
    const broken = new SyntaxError('unexpected token')
    await expect(loadIdentity(() => Promise.reject(broken))).rejects.toBe(broken)
  })

  test('is the real DefaultAzureCredential where the package is there', async () => {
    expect(await loadIdentity()).toMatchObject({ getToken: expect.any(Function) })
  })
})
