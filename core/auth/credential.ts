/** What `@azure/identity` credentials are, structurally. */
export interface TokenCredential {
  getToken(
    scopes: string | string[],
    options?: { abortSignal?: AbortSignal },
  ): Promise<{ token: string; expiresOnTimestamp: number; refreshAfterTimestamp?: number } | null>
}

/** A key name and its key; Azure's `AzureNamedKeyCredential` has this shape. Read anew for every signature. */
export interface NamedKeyCredential {
  readonly name: string
  readonly key: string
}

/** A ready Shared Access Signature; Azure's `AzureSASCredential` has this shape. Read anew for every use. */
export interface SasCredential {
  readonly signature: string
}

/** Every kind of credential the client takes. */
export type EventHubCredential = TokenCredential | NamedKeyCredential | SasCredential

export function isTokenCredential(credential: EventHubCredential): credential is TokenCredential {
  return typeof (credential as Partial<TokenCredential>).getToken === 'function'
}

export function isNamedKey(credential: EventHubCredential): credential is NamedKeyCredential {
  const { name, key } = credential as Partial<NamedKeyCredential>
  return typeof name === 'string' && typeof key === 'string'
}

/** Refuses what is none of the kinds, saying what to pass. */
export function assertIsCredential(credential: unknown): asserts credential is EventHubCredential {
  const known =
    typeof credential === 'object' &&
    credential !== null &&
    (isTokenCredential(credential as EventHubCredential) ||
      isNamedKey(credential as EventHubCredential) ||
      typeof (credential as Partial<SasCredential>).signature === 'string')
  if (!known) {
    throw new TypeError(
      'The credential must be a TokenCredential (such as new DefaultAzureCredential() from @azure/identity), ' +
        'a named key { name, key } or a signature { signature }. For a connection string use EventHubProducerClient.fromConnectionString().',
    )
  }
}
