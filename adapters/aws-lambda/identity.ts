import { EventHubError } from '../../core/errors.js'
import { lazyCredential, type TokenCredential } from '../lazy-credential.js'
import type { AwsCaller } from './aws/call.js'
import { entraAudience, getWebIdentityToken } from './aws/web-identity.js'

/** What is used of `@azure/identity`, structurally: our types must not need that package. */
export interface IdentityPackage {
  readonly DefaultAzureCredential: new () => TokenCredential
  readonly ClientAssertionCredential: new (
    tenantId: string,
    clientId: string,
    getAssertion: () => Promise<string>,
  ) => TokenCredential
}

type ImportPackage = () => Promise<IdentityPackage>

const importIdentity: ImportPackage = () => import('@azure/identity')

/** `DefaultAzureCredential`, whose package is loaded with the first token and not before. */
export function defaultCredential(importPackage: ImportPackage = importIdentity): TokenCredential {
  return lazyCredential(async () => new (await load(importPackage)).DefaultAzureCredential())
}

/**
 * The function's own AWS role as an identity of Microsoft Entra: AWS signs a token that names the role, and Entra takes
 * it in place of a secret. `@azure/identity` is loaded with the first token.
 */
export function federatedCredential(
  { tenantId, clientId }: { readonly tenantId: string; readonly clientId: string },
  caller: AwsCaller,
  importPackage: ImportPackage = importIdentity,
): TokenCredential {
  return lazyCredential(async () => {
    const { ClientAssertionCredential } = await load(importPackage)
    return new ClientAssertionCredential(tenantId, clientId, () => getWebIdentityToken(entraAudience, caller))
  })
}

async function load(importPackage: ImportPackage): Promise<IdentityPackage> {
  try {
    return await importPackage()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw cause
    throw new EventHubError(
      'EVENTHUB_FULLY_QUALIFIED_NAMESPACE needs the package @azure/identity, which is not in this deployment. Add it (npm install @azure/identity; with serverless.yml: --param=fullyQualifiedNamespace=…), or set EVENTHUB_CONNECTION_STRING instead.',
      { code: 'authentication-failed', cause },
    )
  }
}
