import { describe, expect, test } from 'vitest'
import { readEnvironment } from '../../../adapters/aws-lambda/environment.js'
import { createForwarder } from '../../../adapters/aws-lambda/forward.js'
import { forwardOptionsFromEnvironment } from '../../../adapters/aws-lambda/forward-environment.js'
import { systemClock } from '../../../core/clock.js'
import { thrownBy } from '../../support/thrown.js'

const connectionString = 'Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=c2VjcmV0'
const namespace = 'ns.servicebus.windows.net'

describe('where events go', () => {
  test('may be a connection string, with its event hub in EntityPath or beside it', () => {
    const whole = `${connectionString};EntityPath=orders`
    expect(readEnvironment({ EVENTHUB_CONNECTION_STRING: whole })).toEqual({
      kind: 'connection-string',
      connectionString: whole,
      eventHubName: undefined,
    })
    expect(readEnvironment({ EVENTHUB_CONNECTION_STRING: connectionString, EVENTHUB_NAME: 'orders' })).toMatchObject({
      eventHubName: 'orders',
    })
  })

  test('may be kept in Secrets Manager, whole or as a member of a JSON secret', () => {
    expect(readEnvironment({ EVENTHUB_CONNECTION_STRING_SECRET_ID: 'prod/hub' })).toEqual({
      kind: 'stored-connection-string',
      store: { kind: 'secret', id: 'prod/hub', jsonKey: undefined },
      ttlInMs: 300_000,
      eventHubName: undefined,
    })
    const environment = {
      EVENTHUB_CONNECTION_STRING_SECRET_ID: 'arn:aws:secretsmanager:eu-west-1:1:secret:hub-AbCdEf#connectionString',
      EVENTHUB_CONNECTION_STRING_TTL_IN_SECONDS: '60',
      EVENTHUB_NAME: 'orders',
    }
    expect(readEnvironment(environment)).toMatchObject({
      store: { id: 'arn:aws:secretsmanager:eu-west-1:1:secret:hub-AbCdEf', jsonKey: 'connectionString' },
      ttlInMs: 60_000,
      eventHubName: 'orders',
    })
  })

  test('may be kept in the Parameter Store', () => {
    expect(readEnvironment({ EVENTHUB_CONNECTION_STRING_PARAMETER_NAME: '/prod/hub' })).toMatchObject({
      kind: 'stored-connection-string',
      store: { kind: 'parameter', name: '/prod/hub' },
    })
  })

  test('may be a namespace, with the identity that Azure’s own variables describe or the role of the function', () => {
    const place = { EVENTHUB_FULLY_QUALIFIED_NAMESPACE: namespace, EVENTHUB_NAME: 'orders' }
    const expected = { kind: 'identity', fullyQualifiedNamespace: namespace, eventHubName: 'orders' }
    expect(readEnvironment(place)).toEqual({ ...expected, federation: undefined })
    const ids = { AZURE_TENANT_ID: 'tenant', AZURE_CLIENT_ID: 'client' }
    expect(readEnvironment({ ...place, ...ids })).toEqual({ ...expected, federation: undefined })
    expect(readEnvironment({ ...place, ...ids, EVENTHUB_IDENTITY: 'aws' })).toEqual({
      ...expected,
      federation: { tenantId: 'tenant', clientId: 'client' },
    })
  })

  test.each<[string, Record<string, string>, RegExp]>([
    ['nothing', {}, /Set EVENTHUB_CONNECTION_STRING, or EVENTHUB_FULLY_QUALIFIED_NAMESPACE with EVENTHUB_NAME/],
    ['empty values', { EVENTHUB_CONNECTION_STRING: '', EVENTHUB_NAME: '' }, /Set EVENTHUB_CONNECTION_STRING/],
    ['a name alone', { EVENTHUB_NAME: 'orders' }, /Set EVENTHUB_CONNECTION_STRING/],
    ['no EntityPath', { EVENTHUB_CONNECTION_STRING: connectionString }, /EVENTHUB_NAME is not set/],
    [
      'an empty EntityPath',
      { EVENTHUB_CONNECTION_STRING: `${connectionString};EntityPath=` },
      /EVENTHUB_NAME is not set/,
    ],
    ['no name', { EVENTHUB_FULLY_QUALIFIED_NAMESPACE: namespace }, /EVENTHUB_NAME is not set/],
    [
      'two destinations',
      {
        EVENTHUB_CONNECTION_STRING: connectionString,
        EVENTHUB_FULLY_QUALIFIED_NAMESPACE: namespace,
        EVENTHUB_NAME: 'x',
      },
      /Both EVENTHUB_CONNECTION_STRING and EVENTHUB_FULLY_QUALIFIED_NAMESPACE are set/,
    ],
    [
      'three destinations',
      {
        EVENTHUB_CONNECTION_STRING: connectionString,
        EVENTHUB_CONNECTION_STRING_SECRET_ID: 'a',
        EVENTHUB_CONNECTION_STRING_PARAMETER_NAME: 'b',
        EVENTHUB_NAME: 'x',
      },
      /EVENTHUB_CONNECTION_STRING_PARAMETER_NAME are all set/,
    ],
    ['no secret before the member', { EVENTHUB_CONNECTION_STRING_SECRET_ID: '#key' }, /name or the ARN of a secret/],
    [
      'a time that is none',
      { EVENTHUB_CONNECTION_STRING_SECRET_ID: 'a', EVENTHUB_CONNECTION_STRING_TTL_IN_SECONDS: '5m' },
      /TTL_IN_SECONDS must be a number/,
    ],
    [
      'several mistakes',
      { EVENTHUB_FULLY_QUALIFIED_NAMESPACE: namespace, EVENTHUB_IDENTITY: 'aws' },
      /EVENTHUB_NAME is not set.*EVENTHUB_IDENTITY=aws needs AZURE_TENANT_ID and AZURE_CLIENT_ID/,
    ],
    [
      'an identity that is none',
      { EVENTHUB_FULLY_QUALIFIED_NAMESPACE: namespace, EVENTHUB_NAME: 'x', EVENTHUB_IDENTITY: 'azure' },
      /EVENTHUB_IDENTITY must be aws/,
    ],
    [
      'a connection string that is none',
      { EVENTHUB_CONNECTION_STRING: 'Endpoint=sb://x;SharedAccessKey=c2VjcmV0', EVENTHUB_NAME: 'x' },
      /SharedAccessKeyName/,
    ],
    ['a namespace that is none', { EVENTHUB_FULLY_QUALIFIED_NAMESPACE: 'sb://x/y z', EVENTHUB_NAME: 'x' }, /host name/],
  ])(
    'with %s is one error when the handler is made, that names what is wrong and no secret',
    (_, environment, words) => {
      const error = thrownBy(() => createForwarder({}, { environment, clock: systemClock }))
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toMatch(words)
      expect(error.message).not.toContain('c2VjcmV0')
    },
  )

  test('is not asked of the environment when the options name any part of it', () => {
    const environment = { EVENTHUB_CONNECTION_STRING: `${connectionString};EntityPath=orders` }
    const make = () => createForwarder({ eventHubName: 'invoices' }, { environment, clock: systemClock })
    expect(make).toThrow(/Where should events go/)
  })
})

describe('a forwarder by environment', () => {
  test('has every default where nothing is said', () => {
    expect(forwardOptionsFromEnvironment({ FORWARD_SOURCES: '', FORWARD_AUTH: ' ' })).toEqual({})
  })

  test('takes its shapes, its format and its dead-letter queue from it', () => {
    const options = forwardOptionsFromEnvironment({
      FORWARD_SOURCES: 'kinesis, sqs',
      FORWARD_AUTH: 'aws',
      FORWARD_FORMAT: 'raw',
      FORWARD_PROPERTY_PREFIX: 'cloudEvents_',
      FORWARD_DEAD_LETTER_QUEUE_URL: 'https://sqs.eu-west-1.amazonaws.com/1/dead',
    })
    expect(options).toEqual({
      sources: ['sqs', 'kinesis'],
      auth: 'aws',
      format: 'raw',
      cloudEventsPropertyPrefix: 'cloudEvents_',
      onPermanentFailure: expect.any(Function),
    })
  })

  test('names every variable that is wrong, in one error', () => {
    const environment = {
      FORWARD_SOURCES: 'sqs,kafka',
      FORWARD_AUTH: 'none',
      FORWARD_FORMAT: 'json',
      FORWARD_PROPERTY_PREFIX: 'ce-',
      FORWARD_DEAD_LETTER_QUEUE_URL: 'dead',
    }
    const { message } = thrownBy(() => forwardOptionsFromEnvironment(environment))
    for (const name of Object.keys(environment)) expect(message).toContain(name)
    const fifo = { FORWARD_DEAD_LETTER_QUEUE_URL: 'https://sqs.eu-west-1.amazonaws.com/1/dead.fifo' }
    expect(thrownBy(() => forwardOptionsFromEnvironment(fifo)).message).toMatch(/QUEUE_URL .*standard queue/)
  })
})
