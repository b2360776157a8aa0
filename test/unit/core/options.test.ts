import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../../core/clock.js'
import { type EventHubProducerClientOptions, packageVersion, parseOptions } from '../../../core/options.js'
import { thrownBy } from '../../support/thrown.js'
import { VirtualClock } from '../../support/virtual-clock.js'

/** Options as a user without types may pass them. */
const parse = (options: unknown) => parseOptions(options as EventHubProducerClientOptions)

afterEach(() => {
  vi.restoreAllMocks()
})

describe('without options', () => {
  test('every default is the documented one', () => {
    expect(parse({})).toMatchObject({
      bufferedMode: false,
      onSuccess: undefined,
      onError: undefined,
      maxBufferLength: 1500,
      maxBufferSizeInBytes: 64 * 1024 * 1024,
      maxWaitTimeInMs: 1000,
      maxConcurrentSends: 64,
      maxConcurrentSendsPerPartition: 1,
      retry: {
        maxRetries: 3,
        retryDelayInMs: 800,
        maxRetryDelayInMs: 120_000,
        mode: 'exponential',
        tryTimeoutInMs: 10_000,
      },
      authTimeoutInMs: 60_000,
      idleTimeoutInMs: undefined,
      socketTimeoutInMs: 10_000,
      transportType: undefined,
      customEndpoint: undefined,
      tracing: true,
      partitionIds: undefined,
      sasl: 'cbs',
      enableIdempotentRetries: false,
      keyedRouting: 'local',
      unkeyedRouting: 'sticky',
      clock: systemClock,
      random: Math.random,
    })
  })

  test('an option of undefined is an option left out', () => {
    const names = Object.keys(parse({})).filter((name) => !['retry', 'customEndpoint'].includes(name))
    const left = Object.fromEntries(
      [...names, 'customEndpointAddress', 'retryOptions'].map((name) => [name, undefined]),
    )
    const { logger: _1, ...parsed } = parse(left)
    const { logger: _2, ...defaults } = parse({})
    expect(parsed).toEqual(defaults)
  })

  test('nothing is kept of the options that are read elsewhere, keys and passwords among them', () => {
    const secret = 'c2VjcmV0'
    const settings = parse({ tls: { passphrase: secret }, httpProxy: { password: secret }, eventHubName: secret })
    expect(JSON.stringify(settings)).not.toContain(secret)
  })

  test('warnings and errors go to the console, and nothing else does', () => {
    const others = (['debug', 'info', 'log'] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation(() => {}),
    )
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { logger } = parse({})
    logger.warn?.('a warning')
    logger.error?.('an error')
    logger.info?.('a remark')
    logger.debug?.('a detail')
    expect([warn.mock.calls, error.mock.calls]).toEqual([[['a warning']], [['an error']]])
    for (const other of others) expect(other).not.toHaveBeenCalled()
  })
})

describe('the version that the user agent states', () => {
  test('is package.json’s', () => {
    const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
    expect(packageVersion).toBe((JSON.parse(text) as { version: string }).version)
  })

  test('stands behind the user’s own agent', () => {
    expect(parse({}).userAgent).toBe(`eventhub-sluice/${packageVersion}`)
    expect(parse({ userAgent: 'shop/2.1' }).userAgent).toBe(`shop/2.1 eventhub-sluice/${packageVersion}`)
  })

  test.each(['evil\r\nx-header: 1', 'тест', 'tab\t', 5])(
    'takes no agent that a header cannot carry (%j)',
    (userAgent) => {
      const error = thrownBy(() => parse({ userAgent }))
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toContain('userAgent')
    },
  )
})

describe('an unknown name', () => {
  test.each([
    // Slips of the hand.
    ['MAXWAITTIMEINMS', 'maxWaitTimeInMs'],
    ['maxWaitTimeMs', 'maxWaitTimeInMs'],
    ['bufferMode', 'bufferedMode'],
    ['partitionIDs', 'partitionIds'],
    // The Python client's names.
    ['buffered_mode', 'bufferedMode'],
    ['on_success', 'onSuccess'],
    ['max_buffer_length', 'maxBufferLength'],
    ['max_wait_time', 'maxWaitTimeInMs'],
    ['buffer_concurrency', 'maxConcurrentSends'],
    ['retry_total', 'retryOptions.maxRetries'],
    ['retry_backoff_factor', 'retryOptions.retryDelayInMs'],
    ['retry_backoff_max', 'retryOptions.maxRetryDelayInMs'],
    ['retry_mode', 'retryOptions.mode'],
    ['auth_timeout', 'authTimeoutInMs'],
    ['idle_timeout', 'idleTimeoutInMs'],
    ['socket_timeout', 'socketTimeoutInMs'],
    ['custom_endpoint_address', 'customEndpointAddress'],
    ['connection_verify', 'tls'],
    ['ssl_context', 'tls'],
    ['logging_enable', 'logger'],
    ['uamqp_transport', 'transportType'],
    // The official JavaScript client's.
    ['maxEventBufferLengthPerPartition', 'maxBufferLength'],
    ['onSendEventsSuccessHandler', 'onSuccess'],
    ['onSendEventsErrorHandler', 'onError'],
    ['webSocketOptions', 'transportType'],
  ])('%s is refused, and %s suggested', (name, near) => {
    const error = thrownBy(() => parse({ [name]: 1 }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toBe(`Unknown option "${name}". Did you mean ${near}?`)
  })

  test('that resembles none is refused with the names there are', () => {
    const { message } = thrownBy(() => parse({ identifier: 'me' }))
    expect(message).toContain('Unknown option "identifier". Known: ')
    for (const name of ['maxConcurrentSends', 'retryOptions', 'partitionIds']) expect(message).toContain(name)
  })

  test('is refused with the value undefined too: it is a slip all the same', () => {
    expect(() => parse({ max_buffer_length: undefined })).toThrow('maxBufferLength')
  })

  test('within retryOptions is refused, saying where it stood', () => {
    const { message } = thrownBy(() => parse({ retryOptions: { retry_total: 3 } }))
    expect(message).toBe('Unknown option "retry_total" in retryOptions. Did you mean maxRetries?')
    expect(() => parse({ retryOptions: { max_retries: 3 } })).toThrow('Did you mean maxRetries?')
  })

  test.each([
    [null, 'null'],
    ['x', 'a string'],
    [[], 'an array'],
    [5, 'a number'],
    [new Map(), 'a Map'],
    [Promise.resolve({}), 'a Promise'],
  ])('is not looked for in what is no object (%#)', (options, kind) => {
    const error = thrownBy(() => parse(options))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toBe(`The options must be an object; received ${kind}.`)
    const within = thrownBy(() => parse({ retryOptions: options }))
    expect(within).toBeInstanceOf(TypeError)
    expect(within.message).toContain('retryOptions must be an object with any of maxRetries, ')
    expect(within.message).toMatch(new RegExp(`; received ${kind}\\.$`))
  })
})

describe('a number', () => {
  const set = (name: string, value: unknown) => {
    const [outer = '', inner] = name.split('.')
    return parse(inner === undefined ? { [outer]: value } : { [outer]: { [inner]: value } })
  }
  const get = (name: string, value: unknown) => {
    const settings = set(name, value) as unknown as Record<string, Record<string, unknown>>
    const [outer = '', inner] = name.split('.')
    return inner === undefined ? settings[outer] : settings.retry?.[inner]
  }

  test.each([
    ['maxBufferLength', 1],
    ['maxBufferSizeInBytes', 1],
    ['maxConcurrentSends', 1],
    ['maxConcurrentSendsPerPartition', 1],
    ['retryOptions.maxRetries', 0],
  ])('that counts is whole: %s, from %i', (name, least) => {
    expect(get(name, least)).toBe(least)
    expect(get(name, 7)).toBe(7)
    for (const wrong of [least - 1, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '5', null, true, 5n]) {
      const error = thrownBy(() => set(name, wrong))
      expect(error).toBeInstanceOf(RangeError)
      expect(error.message).toContain(name)
      expect(error.message).toContain(`at least ${least}`)
    }
  })

  test.each([
    ['maxWaitTimeInMs', 0],
    ['retryOptions.retryDelayInMs', 0],
    ['retryOptions.maxRetryDelayInMs', 0],
    ['retryOptions.tryTimeoutInMs', 1],
    ['authTimeoutInMs', 0],
    ['idleTimeoutInMs', 1],
    ['socketTimeoutInMs', 1],
  ])('of milliseconds is finite: %s, from %i', (name, least) => {
    expect(get(name, least)).toBe(least)
    expect(get(name, 1234.5)).toBe(1234.5)
    for (const wrong of [least - 0.5, -1, Number.NaN, Number.POSITIVE_INFINITY, '5', null, new Date(0)]) {
      const error = thrownBy(() => set(name, wrong))
      expect(error).toBeInstanceOf(RangeError)
      expect(error.message).toContain(name)
      expect(error.message).toContain(`at least ${least}`)
    }
  })
})

describe('a choice', () => {
  test.each([
    ['sasl', ['cbs', 'plain']],
    ['keyedRouting', ['local', 'service']],
    ['unkeyedRouting', ['sticky', 'roundRobin', 'service']],
    ['transportType', ['amqp', 'amqpOverWebSocket', 'https']],
  ])('%s is one of its words, and no other', (name, allowed) => {
    for (const word of allowed) expect(parse({ [name]: word })).toMatchObject({ [name]: word })
    for (const wrong of ['', 'none', allowed[0]!.toUpperCase(), null, 1, true]) {
      const error = thrownBy(() => parse({ [name]: wrong }))
      expect(error).toBeInstanceOf(TypeError)
      for (const word of [name, ...allowed]) expect(error.message).toContain(word)
    }
  })

  test('of the retry mode is one of its words', () => {
    expect(parse({ retryOptions: { mode: 'fixed' } }).retry.mode).toBe('fixed')
    expect(() => parse({ retryOptions: { mode: 'linear' } })).toThrow("'exponential', 'fixed'")
  })

  test('of the transport may be a factory or a transport of one’s own', () => {
    const factory = () => ({}) as never
    const transport = { name: 'mine', send: () => {} } as never
    expect(parse({ transportType: factory }).transportType).toBe(factory)
    expect(parse({ transportType: transport }).transportType).toBe(transport)
  })

  test.each([[{}], [[]], [{ type: 'amqp' }]])('of the transport is no other object (%j)', (transportType) => {
    const error = thrownBy(() => parse({ transportType }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toMatch(/^transportType must be 'amqp', .* a Transport, which has a send method; received an/)
  })

  test('is told what was there, where that is a word and no secret', () => {
    expect(() => parse({ sasl: 'PLAIN' })).toThrow("sasl must be one of 'cbs', 'plain'; received 'PLAIN'.")
    expect(thrownBy(() => parse({ sasl: 'c2VjcmV0LWtleQ==' })).message).not.toContain('c2VjcmV0')
    expect(() => parse({ sasl: Object.create(null) })).toThrow('received an object.')
  })
})

describe('buffered mode', () => {
  test('needs both callbacks', () => {
    const callback = () => {}
    expect(parse({ bufferedMode: true, onSuccess: callback, onError: callback })).toMatchObject({ bufferedMode: true })
    for (const callbacks of [{}, { onSuccess: callback }, { onError: callback }]) {
      const error = thrownBy(() => parse({ bufferedMode: true, ...callbacks }))
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toContain('onSuccess')
      expect(error.message).toContain('onError')
    }
  })

  test('is true or false, nothing like it', () => {
    for (const bufferedMode of ['false', 0, 1, null]) {
      const error = thrownBy(() => parse({ bufferedMode }))
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toMatch(/^bufferedMode must be true or false; received /)
    }
  })

  test('on or off, takes callbacks that are functions only', () => {
    const callbacks = { onSuccess: () => {}, onError: () => {} }
    for (const name of ['onSuccess', 'onError']) {
      expect(() => parse({ bufferedMode: true, ...callbacks, [name]: 'log' })).toThrow(`${name} must be a function`)
      const error = thrownBy(() => parse({ [name]: 'log' }))
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toBe(`${name} must be a function; received a string.`)
    }
  })
})

describe('partition ids', () => {
  test('are a list of ids, copied so that later changes do no harm', () => {
    const partitionIds = ['0', '1']
    const settings = parse({ partitionIds })
    partitionIds.push('2')
    expect(settings.partitionIds).toEqual(['0', '1'])
  })

  test.each([[[]], [[0, 1]], [['']], ['0,1'], [null], [{ 0: '0' }]])('are nothing else (%j)', (partitionIds) => {
    const error = thrownBy(() => parse({ partitionIds }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain("['0', '1']")
  })

  test('are all different', () => {
    expect(() => parse({ partitionIds: ['0', '1', '0'] })).toThrow(/partitionIds.*'0'/)
  })
})

describe('a custom endpoint', () => {
  test.each([
    ['gateway.example.net', 'gateway.example.net', 443],
    ['gateway.example.net:5671', 'gateway.example.net', 5671],
    ['sb://gateway.example.net/', 'gateway.example.net', 443],
    ['https://gateway.example.net:8443/path', 'gateway.example.net', 8443],
    ['https://gateway.example.net:443', 'gateway.example.net', 443],
    ['amqps://10.0.0.4:5671', '10.0.0.4', 5671],
    ['[::1]:5671', '[::1]', 5671],
  ])('%s is %s, port %i', (customEndpointAddress, hostname, port) => {
    expect(parse({ customEndpointAddress }).customEndpoint).toEqual({ hostname, port })
  })

  test.each(['', 'https://', ':443', 'a b', 'host:99999', 5, null, {}])('%j is none', (customEndpointAddress) => {
    const error = thrownBy(() => parse({ customEndpointAddress }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain('customEndpointAddress')
  })

  test('is not repeated when it is wrong: a connection string, with its key, is put here by mistake', () => {
    const customEndpointAddress = 'Endpoint=sb://ns/;SharedAccessKeyName=n;SharedAccessKey=c2VjcmV0'
    expect(thrownBy(() => parse({ customEndpointAddress })).message).not.toContain('c2VjcmV0')
  })
})

describe('a clock and a source of random numbers', () => {
  test.each([[null], [5], [{}], [{ monotonicNow: () => 0, wallNow: () => 0 }]])('are no other thing (%j)', (clock) => {
    const error = thrownBy(() => parse({ clock }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toMatch(/^clock must be an object with the functions monotonicNow, wallNow and schedule/)
    expect(() => parse({ random: clock })).toThrow('random must be a function')
  })
})

describe('a logger', () => {
  test.each([
    [null, 'null'],
    [true, 'a boolean'],
    ['debug', 'a string'],
    [console.log, 'a function'],
  ])('is an object with functions, and not %s', (logger, kind) => {
    const error = thrownBy(() => parse({ logger }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toBe(
      `logger must be an object with any of the functions debug, info, warn and error, such as console; received ${kind}.`,
    )
  })

  test('has functions at its levels', () => {
    const error = thrownBy(() => parse({ logger: { warn: 'yes' } }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toBe('logger.warn must be a function that takes one line; received a string.')
  })

  test('may listen at some levels, or at none', () => {
    for (const logger of [console, {}, { error: () => {} }, { warn: undefined }]) {
      expect(() => parse({ logger })).not.toThrow()
    }
  })
})

describe('what is injected', () => {
  test('is used as it is', () => {
    const clock = new VirtualClock()
    const random = () => 0.1
    const settings = parse({ clock, random })
    expect(settings.clock).toBe(clock)
    expect(settings.random).toBe(random)
  })

  test('as a logger is told every line at its own level, with its own this', () => {
    const lines: string[] = []
    class Log {
      readonly #mark = 'mine'
      warn(message: string): void {
        lines.push(`${this.#mark} warn ${message}`)
      }
      debug(message: string): void {
        lines.push(`${this.#mark} debug ${message}`)
      }
    }
    const { logger } = parse({ logger: new Log() })
    logger.warn?.('a')
    logger.debug?.('b')
    logger.info?.('nobody listens at this level')
    expect(lines).toEqual(['mine warn a', 'mine debug b'])
  })

  test('as a logger that fails takes nothing down with it', () => {
    const warn = () => {
      throw new Error('the disk is full')
    }
    expect(() => parse({ logger: { warn } }).logger.warn?.('a warning')).not.toThrow()
  })

  test('draws nothing at construction', () => {
    const random = vi.fn(() => 0.5)
    parse({ random })
    expect(random).not.toHaveBeenCalled()
  })
})
