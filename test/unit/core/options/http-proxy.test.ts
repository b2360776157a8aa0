import { describe, expect, test } from 'vitest'
import { type EventHubProducerClientOptions, parseSocketOptions } from '../../../../core/options.js'
import { thrownBy } from '../../../support/thrown.js'

/** The option as a user without types may pass it. */
const parse = (httpProxy: unknown) => parseSocketOptions({ httpProxy } as EventHubProducerClientOptions).httpProxy

describe('httpProxy', () => {
  test('is none by default', () => {
    expect(parse(undefined)).toBeUndefined()
    expect(parseSocketOptions({}).httpProxy).toBeUndefined()
  })

  test('is a host name or an address, a port, and credentials if need be', () => {
    expect(parse({ hostname: 'proxy.example.net', port: 3128 })).toEqual({ hostname: 'proxy.example.net', port: 3128 })
    expect(parse({ hostname: '10.0.0.1', port: 1 })).toEqual({ hostname: '10.0.0.1', port: 1 })
    expect(parse({ hostname: '::1', port: 65_535 })).toEqual({ hostname: '::1', port: 65_535 })
    expect(parse({ hostname: '[::ffff:10.0.0.1]', port: 80 })).toEqual({ hostname: '::ffff:10.0.0.1', port: 80 })
    const full = { hostname: 'p', port: 80, username: 'ümit', password: 'a:b c' }
    expect(parse(full)).toEqual(full)
    expect(parse({ ...full, password: '' })).toEqual({ ...full, password: '' })
    expect(parse({ hostname: 'p', port: 80, username: undefined, password: undefined })).toEqual({
      hostname: 'p',
      port: 80,
    })
  })

  test('is copied, so that later changes do no harm', () => {
    const given = { hostname: 'p', port: 80 }
    const parsed = parse(given)
    given.port = 81
    expect(parsed?.port).toBe(80)
  })

  test.each([null, 'http://p:80', 80, [], true])('is an object (%j)', (httpProxy) => {
    const error = thrownBy(() => parse(httpProxy))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain('httpProxy')
  })

  test.each(['host', 'url', 'protocol'])('has no field %s', (name) => {
    const error = thrownBy(() => parse({ hostname: 'p', port: 80, [name]: 'x' }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain(`Unknown option "${name}" in httpProxy.`)
    expect(error.message).toContain('hostname, port, username, password')
  })

  test('suggests the name that was meant', () => {
    expect(() => parse({ hostName: 'p', port: 80 })).toThrow('Did you mean hostname?')
    // The Python client's names.
    expect(() => parse({ proxy_hostname: 'p', port: 80 })).toThrow('Did you mean hostname?')
    expect(() => parse({ hostname: 'p', proxy_port: 80 })).toThrow('Did you mean port?')
  })

  test.each([
    undefined,
    null,
    5,
    '',
    ' ',
    'http://proxy',
    'proxy:3128',
    'proxy/',
    'user@proxy',
    'a b',
    'p?x',
    'p#x',
    '[proxy]',
    '[::1',
    'a\\b',
  ])('has a hostname that is a host alone (%j)', (hostname) => {
    const error = thrownBy(() => parse({ hostname, port: 80 }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain('httpProxy.hostname')
  })

  test.each([undefined, null, 0, -1, 65_536, 1.5, Number.NaN, '80', 80n])('has a port from 1 to 65535 (%s)', (port) => {
    const error = thrownBy(() => parse({ hostname: 'p', port }))
    expect(error).toBeInstanceOf(RangeError)
    expect(error.message).toContain('httpProxy.port')
  })

  test.each(['', 'a:b', 'a\nb', 5, null])('has a username that Basic authentication can carry (%j)', (username) => {
    const error = thrownBy(() => parse({ hostname: 'p', port: 80, username }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain('httpProxy.username')
  })

  test.each([
    { password: 'x' },
    { username: 'u', password: 5 },
    { username: 'u', password: 'a\r\nb' },
    { username: 'u', password: null },
  ])('has a password beside a username alone (%j)', (credentials) => {
    const error = thrownBy(() => parse({ hostname: 'p', port: 80, ...credentials }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain('httpProxy.password')
  })

  test('tells no value that was put in the wrong place: it may hold a password', () => {
    const wrong = [
      'http://u:hunter2@proxy:80',
      { hostname: 'http://u:hunter2@proxy', port: 80 },
      { hostname: 'p', port: 'hunter2' },
      { hostname: 'p', port: 80, username: 'u:hunter2' },
      { hostname: 'p', port: 80, password: 'hunter2' },
      { hostname: 'p', port: 80, username: 'u', password: 'hunter2\n' },
    ]
    for (const httpProxy of wrong) expect(thrownBy(() => parse(httpProxy)).message).not.toContain('hunter2')
  })
})
