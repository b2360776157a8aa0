import { createSecureContext } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { type EventHubProducerClientOptions, parseSocketOptions } from '../../../../core/options.js'
import { thrownBy } from '../../../support/thrown.js'

/** The option as a user without types may pass it. */
const parse = (tls: unknown) => parseSocketOptions({ tls } as EventHubProducerClientOptions).tls
const certificate = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----'
const key = '-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----'

describe('tls', () => {
  test('is none by default', () => {
    expect(parse(undefined)).toBeUndefined()
  })

  test.each([
    { ca: certificate },
    { ca: Buffer.from(certificate) },
    { ca: new TextEncoder().encode(certificate) },
    { ca: [certificate, Buffer.from(certificate)] },
    { ca: `# our own authority\n${certificate}`, rejectUnauthorized: true },
    { cert: certificate, key, passphrase: 'p' },
    { pfx: Uint8Array.of(1, 2), passphrase: 'p' },
    { servername: 'elsewhere.example.net', minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' },
    { ciphers: 'TLS_AES_256_GCM_SHA384', sigalgs: 'ed25519', ecdhCurve: 'auto', minDHSize: 2048, secureOptions: 4 },
    { secureContext: createSecureContext() },
    {},
  ])('is handed on as it is (%#)', (tls) => {
    expect(parse(tls)).toEqual(tls)
  })

  test('is copied, so that later changes do no harm, without what is undefined: it would hide a default', () => {
    const given = { ca: certificate, servername: undefined, rejectUnauthorized: undefined }
    const parsed = parse(given)
    given.ca = 'changed'
    expect(Object.entries(parsed ?? {})).toEqual([['ca', certificate]])
  })

  test.each([false, 0, null, 'no'])('never switches verification off (%s)', (rejectUnauthorized) => {
    const error = thrownBy(() => parse({ rejectUnauthorized }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toMatch(/cannot be switched off.*private authority.*tls\.ca/)
  })

  test.each(['checkServerIdentity', 'pskCallback'])('does not let %s take the place of the verification', (name) => {
    const error = thrownBy(() => parse({ [name]: () => undefined }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain(`tls.${name}`)
  })

  test.each(['host', 'port', 'path', 'socket', 'lookup'])('does not lead elsewhere (%s)', (name) => {
    const error = thrownBy(() => parse({ [name]: 'x' }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain('customEndpointAddress')
  })

  test.each([
    ['CA', 'Did you mean ca?'],
    ['serverName', 'Did you mean servername?'],
    ['minversion', 'Did you mean minVersion?'],
    ['cafile', 'Known: ca, '],
    ['secureProtocol', 'tls.minVersion'],
  ])('refuses what Node would not look at, such as %s, by name', (name, help) => {
    const error = thrownBy(() => parse({ [name]: 'x' }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain(name)
    expect(error.message).toContain(help)
  })

  test.each([
    [null, 'null'],
    [true, 'a boolean'],
    [certificate, 'a string'],
    [[certificate], 'an array'],
  ])('is an object (%#)', (tls, kind) => {
    const error = thrownBy(() => parse(tls))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toBe(`tls must be an object; received ${kind}.`)
  })

  test.each(['ca', 'cert', 'key', 'crl'])('has a file’s content and not its path as %s', (name) => {
    for (const wrong of ['/etc/ssl/ca.pem', '', Buffer.from([0x30, 0x82]), ['/etc/ssl/ca.pem']]) {
      const error = thrownBy(() => parse({ [name]: wrong }))
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toMatch(new RegExp(`^tls\\.${name} must hold PEM itself.*readFileSync`))
      expect(error.message).not.toContain('/etc/ssl')
    }
    for (const wrong of [5, null, {}, [null]]) {
      expect(() => parse({ [name]: wrong })).toThrow(new RegExp(`^tls\\.${name} must be PEM text`))
    }
  })

  test.each(['a path', 5, [certificate]])('has bytes as pfx (%j)', (pfx) => {
    expect(() => parse({ pfx })).toThrow(/^tls\.pfx must be the bytes of a PKCS #12 file/)
  })

  test.each(['servername', 'passphrase', 'ciphers', 'sigalgs', 'ecdhCurve'])('has text as %s', (name) => {
    expect(() => parse({ [name]: 5 })).toThrow(`tls.${name} must be a string; received a number.`)
  })

  test('names versions as Node does', () => {
    expect(() => parse({ minVersion: '1.2' })).toThrow("tls.minVersion must be one of 'TLSv1', ")
    expect(() => parse({ maxVersion: null })).toThrow('tls.maxVersion must be one of')
  })

  test('shows no key, certificate or passphrase of a refused option', () => {
    const wrong = [
      { key: 'hunter2' },
      { key, passphrase: { hunter2: 1 } },
      { pfx: 'hunter2' },
      { passphrase: 'hunter2', nonsense: 1 },
      { passphrase: 'hunter2', rejectUnauthorized: false },
    ]
    for (const tls of wrong) expect(thrownBy(() => parse(tls)).message).not.toContain('hunter2')
  })
})
