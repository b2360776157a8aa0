import { afterEach, expect, test, vi } from 'vitest'
import { destinationFromSettings } from '../../../adapters/azure-functions/settings.js'

const connectionString = 'Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=c2VjcmV0'

const made = vi.hoisted(() => [] as { kind: string; args: unknown[] }[])
const next = vi.hoisted(() => ({ fails: false }))

vi.mock('@azure/identity', () => {
  const credential = (kind: string) =>
    class {
      constructor(...args: unknown[]) {
        made.push({ kind, args })
        if (next.fails) throw new Error('cannot be made')
      }
      getToken = async (scopes: string) => ({ token: `${kind} ${scopes}`, expiresOnTimestamp: 1 })
    }
  return {
    ManagedIdentityCredential: credential('managed'),
    ClientSecretCredential: credential('secret'),
    DefaultAzureCredential: credential('default'),
  }
})

afterEach(() => {
  made.length = 0
})

test('the app setting holds the connection string', () => {
  expect(destinationFromSettings('Hub', 'orders', { Hub: connectionString })).toEqual({
    connectionString,
    eventHubName: 'orders',
  })
})

test('a missing setting is named, with both of its forms and where to put it', () => {
  for (const settings of [{}, { Hub: '' }, { Hub: '  ' }, { hub: connectionString }]) {
    expect(() => destinationFromSettings('Hub', 'orders', settings)).toThrow(
      /app setting Hub is missing.*Hub__fullyQualifiedNamespace.*local\.settings\.json.*environment variables/s,
    )
  }
})

test('AzureWebJobsNAME comes before NAME, and connection strings before settings, as the host looks for them', () => {
  const other = connectionString.replace('ns.', 'other.')
  const find = (settings: Record<string, string>) => destinationFromSettings('Hub', 'orders', settings)
  expect(find({ Hub: connectionString, AzureWebJobsHub: other })).toMatchObject({ connectionString: other })
  expect(find({ Hub: connectionString, ConnectionStrings__Hub: other })).toMatchObject({ connectionString: other })
  expect(find({ Hub: connectionString, AzureWebJobsHub__fullyQualifiedNamespace: 'ns' })).toMatchObject({
    fullyQualifiedNamespace: 'ns',
  })
  expect(find({ Hub: connectionString, AzureWebJobsHub: ' ' })).toMatchObject({ connectionString })
  // Another setting that only begins alike is not of this connection.
  expect(find({ Hub: connectionString, AzureWebJobsHubs: other })).toMatchObject({ connectionString })
})

test('a connection string in place of a setting name is refused without repeating it', () => {
  expect(() => destinationFromSettings(connectionString, 'orders', {})).toThrow(/name of an app setting/)
  expect(() => destinationFromSettings(connectionString, 'orders', {})).not.toThrow(/c2VjcmV0/)
})

test('an unresolved Key Vault reference is said to be one', () => {
  const Hub = '@Microsoft.KeyVault(SecretUri=https://vault.vault.azure.net/secrets/hub)'
  expect(() => destinationFromSettings('Hub', 'orders', { Hub })).toThrow(
    /Hub is a Key Vault reference that was not resolved/,
  )
})

test('%NAME% in eventHubName stands for an app setting', () => {
  const settings = { Hub: connectionString, STAGE: 'test' }
  expect(destinationFromSettings('Hub', 'orders-%STAGE%', settings).eventHubName).toBe('orders-test')
  expect(() => destinationFromSettings('Hub', '%OTHER%', settings)).toThrow(/app setting OTHER.*local\.settings\.json/s)
})

test('a namespace without an event hub is refused', () => {
  expect(() => destinationFromSettings('Hub', undefined, { Hub__fullyQualifiedNamespace: 'ns' })).toThrow(
    /eventHubName is needed/,
  )
})

interface Credential {
  getToken(scopes: string): Promise<{ token: string }>
}

async function tokenFor(name: string, settings: Record<string, string>): Promise<string> {
  const prefixed = Object.fromEntries(Object.entries(settings).map(([key, value]) => [`${name}__${key}`, value]))
  const destination = destinationFromSettings(name, 'orders', {
    [`${name}__fullyQualifiedNamespace`]: 'ns',
    ...prefixed,
  })
  expect(destination.fullyQualifiedNamespace).toBe('ns')
  return (await (destination.credential as Credential).getToken('scope')).token
}

test.each([
  ['the app itself', { credential: 'managedidentity' }, 'managed', []],
  ['an identity assigned to it', { credential: 'ManagedIdentity', clientId: 'id' }, 'managed', [{ clientId: 'id' }]],
  [
    'an identity by its resource',
    { credential: 'managedidentity', managedIdentityResourceId: '/subscriptions/s/id' },
    'managed',
    [{ resourceId: '/subscriptions/s/id' }],
  ],
  ['an application', { tenantId: 't', clientId: 'id', clientSecret: 's' }, 'secret', ['t', 'id', 's']],
  ['whoever is signed in', {}, 'default', [{}]],
  ['whoever is signed in, with a hint', { clientId: 'id' }, 'default', [{ managedIdentityClientId: 'id' }]],
])('an identity: %s', async (name, settings, kind, args) => {
  expect(await tokenFor(name.replaceAll(' ', '_'), settings)).toBe(`${kind} scope`)
  expect(made).toEqual([{ kind, args }])
})

test('an identity that is named twice is refused by both settings', () => {
  const settings = { Hub__fullyQualifiedNamespace: 'ns', Hub__clientId: 'a', Hub__managedIdentityResourceId: '/b' }
  expect(() => destinationFromSettings('Hub', 'orders', settings)).toThrow(
    /Hub__clientId and Hub__managedIdentityResourceId name the identity twice/,
  )
})

test('an unknown kind of credential is refused by the setting that names it', () => {
  const settings = { Hub__fullyQualifiedNamespace: 'ns', Hub__credential: 'certificate' }
  expect(() => destinationFromSettings('Hub', 'orders', settings)).toThrow(/Hub__credential must be "managedidentity"/)
})

test('the same settings share one credential, made with the first token', async () => {
  const settings = { Shared__fullyQualifiedNamespace: 'ns' }
  const first = destinationFromSettings('Shared', 'orders', settings).credential as unknown as Credential
  const second = destinationFromSettings('Shared', 'invoices', settings).credential
  expect(second).toBe(first)
  expect(made).toEqual([])
  await Promise.all([first.getToken('a'), first.getToken('b')])
  expect(made).toHaveLength(1)
})

test('a credential that could not be made is made anew for the next token', async () => {
  const settings = { Again__fullyQualifiedNamespace: 'ns' }
  const credential = destinationFromSettings('Again', 'orders', settings).credential as unknown as Credential
  next.fails = true
  await expect(credential.getToken('a')).rejects.toThrow('cannot be made')
  next.fails = false
  expect(await credential.getToken('a')).toMatchObject({ token: 'default a' })
})

test('without @azure/identity the error names the package, the setting and the command', async () => {
  vi.resetModules()
  vi.doMock('@azure/identity', () => {
    throw new Error('Cannot find package')
  })
  const fresh = await import('../../../adapters/azure-functions/settings.js')
  const { credential } = fresh.destinationFromSettings('Absent', 'orders', { Absent__fullyQualifiedNamespace: 'ns' })
  const failure = (credential as Credential).getToken('scope')
  await expect(failure).rejects.toThrow(/Absent__fullyQualifiedNamespace needs .*npm install @azure\/identity/)
  await expect(failure).rejects.toMatchObject({ code: 'authentication-failed', outcome: 'returned' })
})
