import type * as AzureIdentity from '@azure/identity'
import { EventHubError } from '../../core/errors.js'
import { lazyCredential, type TokenCredential } from '../lazy-credential.js'
import { type AppSettings, appSetting } from './app-settings.js'

/** Credentials by their settings, so that outputs with the same ones share a credential and thereby a client. */
const credentials = new Map<string, TokenCredential>()

/**
 * The credential that `NAME__credential`, `NAME__clientId`, `NAME__managedIdentityResourceId`, `NAME__tenantId` and
 * `NAME__clientSecret` ask for:
 *
 * - `credential` = `managedidentity`: the Function App's identity, or the user-assigned one of `clientId` or of
 *   `managedIdentityResourceId`;
 * - `tenantId`, `clientId` and `clientSecret`: that application;
 * - otherwise: `DefaultAzureCredential`, whose managed identity is the one of `clientId` if given.
 *
 * `@azure/identity` is loaded with the first token.
 */
export function credentialFromSettings(connection: string, settings: AppSettings): TokenCredential {
  const setting = (name: string) => appSetting(settings, `${connection}__${name}`)
  const kind = setting('credential')
  if (kind !== undefined && kind.toLowerCase() !== 'managedidentity') {
    throw new Error(
      `The app setting ${connection}__credential must be "managedidentity"; leave it out for DefaultAzureCredential.`,
    )
  }
  const clientId = setting('clientId')
  const tenantId = setting('tenantId')
  const clientSecret = setting('clientSecret')
  const resourceId = setting('managedIdentityResourceId')
  if (clientId && resourceId) {
    throw new Error(
      `The app settings ${connection}__clientId and ${connection}__managedIdentityResourceId name the identity twice. Leave one of them out.`,
    )
  }
  const key = JSON.stringify([connection, kind, tenantId, clientId, clientSecret, resourceId])
  let credential = credentials.get(key)
  if (!credential) {
    credential = lazyCredential(async () => {
      const identity = await loadIdentity(connection)
      if (kind) {
        if (clientId) return new identity.ManagedIdentityCredential({ clientId })
        return resourceId
          ? new identity.ManagedIdentityCredential({ resourceId })
          : new identity.ManagedIdentityCredential()
      }
      if (tenantId && clientId && clientSecret) {
        return new identity.ClientSecretCredential(tenantId, clientId, clientSecret)
      }
      return new identity.DefaultAzureCredential(clientId ? { managedIdentityClientId: clientId } : {})
    })
    credentials.set(key, credential)
  }
  return credential
}

async function loadIdentity(connection: string): Promise<typeof AzureIdentity> {
  try {
    return await import('@azure/identity')
  } catch (cause) {
    throw new EventHubError(
      `The app setting ${connection}__fullyQualifiedNamespace needs the package @azure/identity, which could not be loaded. Add it to the app: npm install @azure/identity`,
      { code: 'authentication-failed', cause },
    )
  }
}
