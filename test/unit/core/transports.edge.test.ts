import { expect, test } from 'vitest'
import type { EventHubProducerClientOptions } from '../../../core/options.js'
import { parseSocketOptions } from '../../../core/transports.edge.js'
import { thrownBy } from '../../support/thrown.js'

test.each([
  ['tls', { ca: '-----BEGIN CERTIFICATE-----' }],
  ['tls', { rejectUnauthorized: false }],
  ['tls', null],
  ['httpProxy', { hostname: 'proxy.example.net', port: 3128, username: 'me', password: 'secret' }],
])('at the edge, %s is refused by name, whatever it holds (%#)', (name, value) => {
  const error = thrownBy(() => parseSocketOptions({ [name]: value } as EventHubProducerClientOptions))
  expect(error).toBeInstanceOf(TypeError)
  expect(error.message).toBe(
    `${name} is not available in this runtime, whose fetch opens the connections. Leave it out.`,
  )
})

test('at the edge, none of them is refused for being undefined', () => {
  expect(parseSocketOptions({ tls: undefined })).toEqual({ tls: undefined, httpProxy: undefined })
})
