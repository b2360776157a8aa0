import { describe, expect, test } from 'vitest'
import { parseConnectionString } from '../../../../core/auth/connection-string.js'
import { thrownBy } from '../../../support/thrown.js'

const key = 'q0nP2x+/verySecretKey=='
const namespace = 'ns.servicebus.windows.net'
const full = `Endpoint=sb://${namespace}/;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=${key};EntityPath=events`
const signature = `SharedAccessSignature sr=sb%3A%2F%2F${namespace}%2Fevents&sig=c2VjcmV0%3D&se=1900000000&skn=send`

describe('a connection string', () => {
  test('as the portal gives it is read whole', () => {
    expect(parseConnectionString(full)).toEqual({
      fullyQualifiedNamespace: namespace,
      port: undefined,
      eventHubName: 'events',
      sharedAccessKeyName: 'RootManageSharedAccessKey',
      sharedAccessKey: key,
      sharedAccessSignature: undefined,
      development: false,
    })
  })

  test('of a namespace names no event hub', () => {
    const parsed = parseConnectionString(full.replace(';EntityPath=events', ''))
    expect(parsed.eventHubName).toBeUndefined()
    expect(parseConnectionString(full.replace('=events', '=')).eventHubName).toBeUndefined()
  })

  test('with a signature keeps it as it is, equals signs included', () => {
    expect(parseConnectionString(`Endpoint=sb://${namespace};SharedAccessSignature=${signature}`)).toMatchObject({
      sharedAccessSignature: signature,
      sharedAccessKey: undefined,
      sharedAccessKeyName: undefined,
    })
  })

  test('is read whatever the case of its names, with spaces and empty parts', () => {
    const shouted = ` ENDPOINT = sb://${namespace}/ ;; sharedaccesskeyname=send;SHAREDACCESSKEY=${key} ;entitypath = events; `
    expect(parseConnectionString(shouted)).toMatchObject({
      fullyQualifiedNamespace: namespace,
      sharedAccessKeyName: 'send',
      sharedAccessKey: key,
      eventHubName: 'events',
    })
  })

  test.each([
    `sb://${namespace}`,
    `sb://${namespace}/`,
    `SB://${namespace}/`,
    `https://${namespace}/`,
    `amqps://${namespace}`,
    namespace,
    `${namespace}/`,
  ])('takes the host out of the endpoint %s', (endpoint) => {
    expect(parseConnectionString(full.replace(`sb://${namespace}/`, endpoint))).toMatchObject({
      fullyQualifiedNamespace: namespace,
      port: undefined,
    })
  })

  test('ignores names that it does not know, as other Azure SDKs do', () => {
    expect(parseConnectionString(`${full};TransportType=AmqpWebSockets;Authority=x`).eventHubName).toBe('events')
  })
})

describe('a development connection string', () => {
  const emulator = (endpoint: string) =>
    `Endpoint=${endpoint};SharedAccessKeyName=name;SharedAccessKey=${key};UseDevelopmentEmulator=true`

  test.each([
    ['sb://localhost', 'localhost', undefined],
    ['sb://localhost:5672/', 'localhost', 5672],
    ['127.0.0.1:41234', '127.0.0.1', 41234],
    // The default ports of schemes that URL knows are ports all the same.
    ['http://localhost:80', 'localhost', 80],
    ['https://localhost:443', 'localhost', 443],
    ['sb://[::1]:5672', '[::1]', 5672],
    ['sb://host.docker.internal:5672', 'host.docker.internal', 5672],
  ])('may name a port: %s', (endpoint, hostname, port) => {
    expect(parseConnectionString(emulator(endpoint))).toMatchObject({
      fullyQualifiedNamespace: hostname,
      port,
      development: true,
    })
  })

  test('says true in any case, and false means no', () => {
    expect(parseConnectionString(emulator('sb://localhost').replace('=true', '=TRUE')).development).toBe(true)
    expect(parseConnectionString(emulator('sb://localhost').replace('=true', '=false')).development).toBe(false)
    expect(() => parseConnectionString(emulator('sb://localhost').replace('=true', '=yes'))).toThrow(
      'UseDevelopmentEmulator',
    )
  })

  test('alone may name a port; the other way is named', () => {
    const { message } = thrownBy(() => parseConnectionString(full.replace(`${namespace}/`, `${namespace}:5671/`)))
    expect(message).toContain('customEndpointAddress')
    expect(message).toContain('UseDevelopmentEmulator=true')
  })
})

describe('a connection string that cannot be used is refused, saying what is wrong:', () => {
  const keyPart = `SharedAccessKeyName=send;SharedAccessKey=${key}`
  test.each([
    ['nothing', '', /empty/],
    ['blanks', '  ', /empty/],
    ['no string', 42 as never, /empty/],
    ['a part without a value', `Endpoint=sb://${namespace};${keyPart};${key.replaceAll('=', '')}`, /NAME=VALUE/],
    ['a part without a name', `Endpoint=sb://${namespace};${keyPart};=${key}`, /NAME=VALUE/],
    ['no endpoint', keyPart, /no Endpoint/],
    ['an empty endpoint', `Endpoint=;${keyPart}`, /no Endpoint/],
    ['an endpoint that is no URL', `Endpoint=sb://my namespace/;${keyPart}`, /Endpoint/],
    ['an endpoint with a port beyond all ports', `Endpoint=sb://localhost:99999;${keyPart}`, /Endpoint/],
    ['an endpoint without a host', `Endpoint=sb://;${keyPart}`, /Endpoint/],
    ['no key', `Endpoint=sb://${namespace};SharedAccessKeyName=send`, /SharedAccessKey/],
    ['an empty key', `Endpoint=sb://${namespace};SharedAccessKeyName=send;SharedAccessKey=`, /SharedAccessKey/],
    ['no key name', `Endpoint=sb://${namespace};SharedAccessKey=${key}`, /SharedAccessKeyName/],
    ['key and signature', `Endpoint=sb://${namespace};${keyPart};SharedAccessSignature=${signature}`, /both/],
    ['two keys', `Endpoint=sb://${namespace};${keyPart};sharedaccesskey=${key}`, /SharedAccessKey twice/],
  ])('%s', (_, text, message) => {
    const error = thrownBy(() => parseConnectionString(text))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toMatch(message)
    // Whatever is wrong, the secret is not shown.
    expect(`${error.message}${error.stack}${String(error.cause)}`).not.toContain(key.replaceAll('=', ''))
    expect(error.message).not.toContain('c2VjcmV0')
  })

  test('and for Entra ID the way without a connection string is named', () => {
    expect(() => parseConnectionString(`Endpoint=sb://${namespace}`)).toThrow(
      'new EventHubProducerClient(namespace, eventHub, credential)',
    )
  })
})
