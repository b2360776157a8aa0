import { createRequire } from 'node:module'
import { ClientSecretCredential } from '@azure/identity'
import { describe, expect, test } from 'vitest'
import {
  assertIsCredential,
  type EventHubCredential,
  isNamedKey,
  isTokenCredential,
} from '../../../../core/auth/credential.js'
import { thrownBy } from '../../../support/thrown.js'

// What Azure's own SDKs hand out; a dependency of theirs, so reached by its file path.
const { AzureNamedKeyCredential, AzureSASCredential } = createRequire(import.meta.url)(
  '../../../../node_modules/@azure/core-auth/dist/commonjs/index.js',
) as {
  AzureNamedKeyCredential: new (name: string, key: string) => { readonly name: string; readonly key: string }
  AzureSASCredential: new (signature: string) => { readonly signature: string }
}

const getToken = async () => ({ token: 't', expiresOnTimestamp: 0 })

/** Which kind it is taken for. */
function kindOf(credential: EventHubCredential): string {
  assertIsCredential(credential)
  return isTokenCredential(credential) ? 'token' : isNamedKey(credential) ? 'named key' : 'signature'
}

describe('a credential', () => {
  test.each([
    ['token', { getToken }],
    ['token', new ClientSecretCredential('00000000-0000-0000-0000-000000000000', 'client', 'secret')],
    ['named key', { name: 'n', key: 'k' }],
    ['named key', new AzureNamedKeyCredential('n', 'k')],
    ['signature', { signature: 'SharedAccessSignature sr=…' }],
    ['signature', new AzureSASCredential('SharedAccessSignature sr=…')],
  ] as const)('of every kind is known for what it is: %s', (kind, credential) => {
    expect(kindOf(credential)).toBe(kind)
  })

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a connection string', 'Endpoint=sb://ns/;SharedAccessKeyName=n;SharedAccessKey=top-secret'],
    ['an empty object', {}],
    ['a key without its name', { key: 'top-secret' }],
    ['a key that is no string', { name: 'n', key: new Uint8Array([1]) }],
    ['a getToken that is no function', { getToken: 'top-secret' }],
    ['a signature that is no string', { signature: 5 }],
  ])('that is none is refused, saying what to pass: %s', (_, credential) => {
    const error = thrownBy(() => assertIsCredential(credential))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain('DefaultAzureCredential')
    expect(error.message).toContain('fromConnectionString')
    expect(error.message).not.toContain('top-secret')
  })
})
