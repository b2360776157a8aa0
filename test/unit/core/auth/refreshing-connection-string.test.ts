import { expect, test } from 'vitest'
import { parseConnectionString } from '../../../../core/auth/connection-string.js'
import type { NamedKeyCredential, SasCredential, SecretRequest } from '../../../../core/auth/credential.js'
import { refreshingCredential } from '../../../../core/auth/refreshing-connection-string.js'
import { createTokenSource } from '../../../../core/auth/token-cache.js'
import { EventHubProducerClient } from '../../../../core/client.js'
import type { OperationLimits } from '../../../../core/transport.js'
import { verifySas } from '../../../../infra/local-hub/sas.js'
import { VirtualClock } from '../../../support/virtual-clock.js'

const withKey = (key: string, host = 'ns.servicebus.windows.net', hub = 'orders') =>
  `Endpoint=sb://${host}/;SharedAccessKeyName=send;SharedAccessKey=${key};EntityPath=${hub}`
const withSignature = (seconds: number) =>
  `Endpoint=sb://ns.servicebus.windows.net/;SharedAccessSignature=SharedAccessSignature sr=sb%3A%2F%2Fns&sig=c2Vj&se=${seconds}&skn=send;EntityPath=orders`
const unlimited: OperationLimits = { deadline: Number.POSITIVE_INFINITY }
const audience = 'sb://ns.servicebus.windows.net/orders'

function source(initial: string) {
  const clock = new VirtualClock()
  const asked: SecretRequest[] = []
  const state = { next: async (): Promise<string> => initial }
  const credential = refreshingCredential(parseConnectionString(initial), (request) => {
    asked.push(request)
    return state.next()
  })
  return { clock, asked, state, credential, tokens: createTokenSource(credential, { clock, authTimeoutInMs: 1000 }) }
}

const isSignedBy = (token: string, key: string, now: number) =>
  verifySas(token, new Map([['send', { key, rights: ['send' as const] }]]), now).ok

test('a key is asked for before each signature, and not for one that is still good', async () => {
  const { clock, tokens, state, asked } = source(withKey('old'))
  const first = await tokens.getToken(audience, unlimited)
  expect(isSignedBy(first.token, 'old', clock.wallNow())).toBe(true)
  expect(await tokens.getToken(audience, unlimited)).toBe(first)
  expect(asked).toEqual([{ rejected: false }])
  state.next = async () => withKey('new')
  await clock.advance(45 * 60_000)
  const second = await tokens.getToken(audience, unlimited)
  expect(isSignedBy(second.token, 'new', clock.wallNow())).toBe(true)
  expect(asked).toEqual([{ rejected: false }, { rejected: false }])
})

test('a key that the service has refused is asked for at once, and that is said', async () => {
  const { clock, tokens, state, asked } = source(withKey('old'))
  await tokens.getToken(audience, unlimited)
  state.next = async () => withKey('new')
  tokens.invalidate(audience)
  const fresh = await tokens.getToken(audience, unlimited)
  expect(isSignedBy(fresh.token, 'new', clock.wallNow())).toBe(true)
  expect(asked.at(-1)).toEqual({ rejected: true })
  await clock.advance(45 * 60_000)
  await tokens.getToken(audience, unlimited)
  expect(asked.at(-1)).toEqual({ rejected: false })
})

test.each<[string, () => Promise<string>]>([
  ['that cannot be asked for', () => Promise.reject(new Error('vault is down'))],
  ['that does not come in time', () => new Promise(() => {})],
  ['of another namespace', async () => withKey('new', 'other.servicebus.windows.net')],
  ['of another event hub', async () => withKey('new', 'ns.servicebus.windows.net', 'invoices')],
  ['in nonsense', async () => 'nonsense'],
  ['that is a signature now', async () => withSignature(1_700_001_000)],
])('a key %s leaves the last one in use', async (_, next) => {
  const { clock, tokens, state } = source(withKey('old'))
  await tokens.getToken(audience, unlimited)
  state.next = next
  tokens.invalidate(audience)
  await clock.advance(1)
  const asking = tokens.getToken(audience, unlimited)
  await clock.advance(1000)
  expect(isSignedBy((await asking).token, 'old', clock.wallNow())).toBe(true)
  expect(clock.pendingTimers).toBe(0)
})

test('a ready signature is asked for when it has ended or was refused, not before', async () => {
  const { clock, tokens, state, asked } = source(withSignature(1_700_000_100))
  const first = await tokens.getToken(audience, unlimited)
  expect(asked).toEqual([])
  state.next = async () => withSignature(1_700_000_900)
  tokens.invalidate(audience)
  expect(await tokens.getToken(audience, unlimited)).not.toEqual(first)
  expect(asked).toEqual([{ rejected: true }])
  state.next = async () => withSignature(1_700_009_000)
  clock.freeze(1_000_000)
  expect((await tokens.getToken(audience, unlimited)).expiresOn).toBe(1_700_009_000_000)
  expect(asked).toEqual([{ rejected: true }, { rejected: false }])
})

test('without a function to ask, the credential is what the connection string says', () => {
  const named = refreshingCredential(parseConnectionString(withKey('key')), undefined) as NamedKeyCredential
  expect([named.name, named.key, named.refresh]).toEqual(['send', 'key', undefined])
  const ready = refreshingCredential(parseConnectionString(withSignature(1)), undefined) as SasCredential
  expect(ready.signature).toContain('se=1&')
  expect(ready.refresh).toBeUndefined()
})

test('the client takes the function as an option, and refuses anything else', () => {
  expect(() =>
    EventHubProducerClient.fromConnectionString(withKey('k'), { refreshConnectionString: async () => '' }),
  ).not.toThrow()
  expect(() =>
    EventHubProducerClient.fromConnectionString(withKey('k'), { refreshConnectionString: 'x' as never }),
  ).toThrow(/refreshConnectionString must be a function/)
})

test('a string that names the event hub takes over from one whose event hub was named apart, and the other way round', async () => {
  const apart = 'Endpoint=sb://ns.example.net/;SharedAccessKeyName=send;SharedAccessKey='
  for (const [initial, next] of [
    [`${apart}old`, `${apart}new;EntityPath=events`],
    [`${apart}old;EntityPath=events`, `${apart}new`],
  ] as const) {
    const parsed = { ...parseConnectionString(initial), eventHubName: 'events' }
    const credential = refreshingCredential(parsed, async () => next) as NamedKeyCredential
    await credential.refresh?.({ rejected: true })
    expect(credential.key).toBe('new')
  }
  const parsed = { ...parseConnectionString(`${apart}old`), eventHubName: 'events' }
  const elsewhere = refreshingCredential(parsed, async () => `${apart}new;EntityPath=others`) as NamedKeyCredential
  await expect(elsewhere.refresh?.({ rejected: true })).rejects.toThrow(/another namespace or event hub/)
})
