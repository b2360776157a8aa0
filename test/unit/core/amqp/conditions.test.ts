import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { fromCondition, fromSocketError } from '../../../../core/amqp/conditions.js'
import { EventHubError, OperationTimeoutError } from '../../../../core/errors.js'

/** DIALECT.md's lists; the second is for good. `amqp:unauthorized-access` is retried where a fresh token can be had. */
const retryable = [
  ['amqp:internal-error', 'service-error'],
  ['com.microsoft:server-busy', 'server-busy'],
  ['com.microsoft:timeout', 'timeout'],
  ['com.microsoft:operation-cancelled', 'service-error'],
  ['amqp:link:detach-forced', 'connection-lost'],
  ['amqp:connection:forced', 'connection-lost'],
  ['amqp:transfer-limit-exceeded', 'service-error'],
] as const
const final = [
  ['amqp:not-found', 'entity-not-found'],
  ['amqp:not-allowed', 'argument-error'],
  ['amqp:resource-limit-exceeded', 'quota-exceeded'],
  ['amqp:link:message-size-exceeded', 'event-too-large'],
  ['com.microsoft:argument-error', 'argument-error'],
  ['com.microsoft:argument-out-of-range', 'argument-error'],
  ['com.microsoft:entity-disabled', 'entity-disabled'],
  ['com.microsoft:publisher-revoked', 'publisher-revoked'],
  ['amqp:link:stolen', 'producer-epoch-stolen'],
  ['com.microsoft:out-of-order-sequence', 'out-of-order-sequence'],
  ['com.microsoft:producer-epoch-stolen', 'producer-epoch-stolen'],
  // By itself; the claims have their own way of trying once more.
  ['amqp:unauthorized-access', 'unauthorized'],
  // Not in the list, but said by services of messages that they cannot read.
  ['amqp:decode-error', 'argument-error'],
] as const

const peerError = (condition: string) => ({ condition, description: 'The words of the service' })

describe('a condition', () => {
  test.each(retryable)('%s passes: the same send can succeed later', (condition, code) => {
    const error = fromCondition(peerError(condition), 'The service rejected the message', 'refused')
    expect(error).toBeInstanceOf(EventHubError)
    expect(error).toMatchObject({ code, condition, retryable: true })
    expect(error.message).toBe(`The service rejected the message (${condition}): The words of the service.`)
  })

  test.each([
    ['amqp:internal-error', 'unknown'],
    ['com.microsoft:timeout', 'unknown'],
    ['com.microsoft:operation-cancelled', 'unknown'],
    ['com.microsoft:server-busy', 'refused'],
    ['amqp:resource-limit-exceeded', 'refused'],
    ['com.microsoft:argument-error', 'refused'],
  ])(
    'of a rejection, %s, leaves the outcome %s: a service that gave up in the middle may have stored it',
    (condition, outcome) => {
      const error = fromCondition(peerError(condition), 'The service rejected the message', 'refused')
      expect(error.outcome).toBe(outcome)
    },
  )

  test.each(final)('%s is for good, and the message says what to do', (condition, code) => {
    const error = fromCondition(peerError(condition), 'The service closed the link', 'returned')
    expect(error).toMatchObject({ code, condition, retryable: false, outcome: 'returned' })
    const said = `The service closed the link (${condition}): The words of the service. `
    expect(error.message.startsWith(said)).toBe(true)
    // A sentence of its own.
    expect(error.message.slice(said.length)).toMatch(/^[A-Z].{15,}[.]$/)
  })

  test('that runs out of time is an OperationTimeoutError', () => {
    const error = fromCondition(peerError('com.microsoft:timeout'), 'x', 'unknown')
    expect(error).toBeInstanceOf(OperationTimeoutError)
    expect(error.outcome).toBe('unknown')
  })

  test('that is unknown is not retried, and is handed on by name', () => {
    const error = fromCondition(peerError('com.microsoft:something-new'), 'The service closed the link', 'refused')
    expect(error).toMatchObject({ code: 'service-error', retryable: false, condition: 'com.microsoft:something-new' })
    expect(error.message).toContain('com.microsoft:something-new')
  })

  test('that the peer left out is a loss, which passes', () => {
    for (const nothing of [undefined, {}]) {
      const error = fromCondition(nothing, 'The service closed the link', 'returned')
      expect(error).toMatchObject({ code: 'connection-lost', retryable: true, condition: undefined })
      expect(error.message).toBe('The service closed the link.')
    }
  })

  test('keeps what the peer said as its cause, and no second full stop', () => {
    const said = { condition: 'amqp:internal-error', description: 'It said so.' }
    const error = fromCondition(said, 'The service rejected the message', 'refused')
    expect(error.cause).toBe(said)
    expect(error.message).toBe('The service rejected the message (amqp:internal-error): It said so.')
    expect(fromCondition({ condition: 'amqp:internal-error' }, 'What', 'refused').message).toBe(
      'What (amqp:internal-error).',
    )
  })

  test('hands on nothing of the connection that rhea hangs on its errors: there is a key in it', () => {
    const said = Object.assign(new Error('no'), { condition: 'amqp:unauthorized-access' })
    Object.defineProperty(said, 'connection', { value: { options: { password: 'the-key' } } })
    const error = fromCondition(said, 'The service closed the connection', 'returned')
    expect(error.cause).toMatchObject({ message: 'no', condition: 'amqp:unauthorized-access' })
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('the-key')
    expect(inspect(fromSocketError(said, 'ns', 'returned'), { depth: 9, showHidden: true })).not.toContain('the-key')
  })

  test.each(['toString', '__proto__', 'constructor'])('named %s is unknown like any other', (condition) => {
    expect(fromCondition({ condition }, 'x', 'returned')).toMatchObject({ code: 'service-error', retryable: false })
  })
})

describe('a socket’s error', () => {
  const socketError = (code: string, message = 'its words') => Object.assign(new Error(message), { code })

  test.each([
    'ECONNRESET',
    'ECONNREFUSED',
    'ETIMEDOUT',
    'EAI_AGAIN',
    'EPIPE',
    'ERR_STREAM_WRITE_AFTER_END',
    'ERR_STREAM_DESTROYED',
  ])('%s passes', (code) => {
    const cause = socketError(code)
    const error = fromSocketError(cause, 'ns.example.net:5671', 'unknown')
    expect(error).toMatchObject({
      code: 'connection-lost',
      retryable: true,
      outcome: 'unknown',
      condition: code,
      cause,
    })
    expect(error.message).toContain('ns.example.net:5671')
    expect(error.message).toContain('its words')
  })

  test('ENOTFOUND is for good: the name is wrong', () => {
    const error = fromSocketError(socketError('ENOTFOUND'), 'ns.example.net:5671', 'returned')
    expect(error).toMatchObject({ code: 'entity-not-found', retryable: false, condition: 'ENOTFOUND' })
    expect(error.message).toContain('ns.example.net:5671')
    expect(error.message).toContain('Check the namespace')
  })

  test('ECONNREFUSED says what to check', () => {
    expect(fromSocketError(socketError('ECONNREFUSED'), 'h:1', 'returned').message).toContain('check host and port')
  })

  test.each([
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls.ca'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'tls.ca'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls.ca'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'tls.ca'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls.servername'],
  ])('of a certificate (%s) is for good, and names %s', (code, option) => {
    const error = fromSocketError(socketError(code), 'h:5671', 'returned')
    expect(error).toMatchObject({ code: 'connection-lost', retryable: false, outcome: 'returned', condition: code })
    expect(error.message).toContain(option)
  })

  test('that is unknown is not retried', () => {
    expect(fromSocketError(socketError('EWHATEVER'), 'h:1', 'returned').retryable).toBe(false)
    const nameless = fromSocketError(new Error('its words'), 'h:1', 'returned')
    expect(nameless).toMatchObject({ retryable: false, condition: undefined })
    expect(nameless.message).toContain('its words')
    expect(fromSocketError('thrown', 'h:1', 'returned').message).toContain('thrown')
  })

  test('that is none is the peer’s goodbye, which passes', () => {
    for (const nothing of [undefined, null]) {
      const error = fromSocketError(nothing, 'h:1', 'unknown')
      expect(error).toMatchObject({ code: 'connection-lost', retryable: true, outcome: 'unknown' })
      expect(error.message).toBe('The connection to h:1 was closed by the peer.')
    }
  })
})
