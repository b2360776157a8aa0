import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSharedAccessSignature, expiryOfSharedAccessSignature } from '../../../../core/auth/sas.js'
import { covers, verifySas } from '../../../../infra/local-hub/sas.js'
import { seed } from '../../../support/seed.js'

const expiresOn = 1_900_000_000

function keys(name: string, key: string) {
  return new Map([[name, { key, rights: ['send' as const] }]])
}

describe('a signature', () => {
  test('is what Azure’s documentation says: an HMAC over resource and expiry, every field encoded', async () => {
    const resource = 'sb://ns.servicebus.windows.net/events/Partitions/0'
    const token = await createSharedAccessSignature(resource, 'send+only key', 'k3y/+==', expiresOn)
    const encoded = 'sb%3A%2F%2Fns.servicebus.windows.net%2Fevents%2FPartitions%2F0'
    const mac = createHmac('sha256', 'k3y/+==').update(`${encoded}\n${expiresOn}`, 'utf8').digest('base64')
    expect(token).toBe(
      `SharedAccessSignature sr=${encoded}&sig=${encodeURIComponent(mac)}&se=${expiresOn}&skn=send%2Bonly%20key`,
    )
  })

  test(`of any resource, key name and key convinces the local hub, and no other key does (SEED=${seed})`, async () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
    const path = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,20}$/)
    await fc.assert(
      fc.asyncProperty(path, text, text, async (hub, keyName, key) => {
        const token = await createSharedAccessSignature(`sb://ns.example.net/${hub}`, keyName, key, expiresOn)
        const verdict = verifySas(token, keys(keyName, key), (expiresOn - 1) * 1000)
        expect(verdict).toEqual({ ok: true, path: hub, keyName, rights: ['send'], expiresAt: expiresOn * 1000 })
        expect(covers(hub, `${hub}/partitions/3`)).toBe(true)
        expect(verifySas(token, keys(keyName, `${key}.`), 0).ok).toBe(false)
        expect(verifySas(token, keys(keyName, key), expiresOn * 1000).ok).toBe(false)
      }),
      { numRuns: 100, seed },
    )
  })
})

describe('the expiry of a given signature', () => {
  test('is read from its se, wherever that stands', async () => {
    const token = await createSharedAccessSignature('sb://ns/hub', 'name', 'key', expiresOn)
    expect(expiryOfSharedAccessSignature(token)).toBe(expiresOn * 1000)
    expect(expiryOfSharedAccessSignature('SharedAccessSignature se=12&sr=x&sig=y&skn=z')).toBe(12_000)
    expect(expiryOfSharedAccessSignature('SharedAccessSignature sr=x&sig=y&skn=z&se=12')).toBe(12_000)
  })

  test('is not known when it does not say', () => {
    expect(expiryOfSharedAccessSignature('SharedAccessSignature sr=x&sig=y&skn=z')).toBeUndefined()
    expect(expiryOfSharedAccessSignature('SharedAccessSignature sr=x&sig=y&skn=z&se=soon')).toBeUndefined()
    // Another field that ends in "se", or a value.
    expect(expiryOfSharedAccessSignature('SharedAccessSignature sr=x&base=5&sig=y&skn=se=5')).toBeUndefined()
    expect(expiryOfSharedAccessSignature('')).toBeUndefined()
  })
})
