/** What `@azure/identity` credentials are, structurally. */
export interface TokenCredential {
  /**
   * Resolves with a token; times are milliseconds since the Unix epoch. A rejection, or null, fails the send with
   * `authentication-failed`.
   */
  getToken(
    scopes: string | string[],
    options?: { abortSignal?: AbortSignal },
  ): Promise<{ token: string; expiresOnTimestamp: number; refreshAfterTimestamp?: number } | null>
}

/** Asks where a secret is kept for the present one. */
export interface SecretRequest {
  /** True when the service has refused what was signed with the one before. */
  readonly rejected: boolean
  /** Aborts when nobody waits for the secret any more. */
  readonly abortSignal?: AbortSignal
}

/** A key name and its key; Azure's `AzureNamedKeyCredential` has this shape. Read anew for every signature. */
export interface NamedKeyCredential {
  /** The name of the shared access policy. */
  readonly name: string
  /** Its primary or its secondary key. */
  readonly key: string
  /** Awaited before each signature; may change `name` and `key`. If it rejects, they stay in use. */
  readonly refresh?: ((request: SecretRequest) => Promise<void>) | undefined
}

/** A ready Shared Access Signature; Azure's `AzureSASCredential` has this shape. Read anew for every use. */
export interface SasCredential {
  /** `SharedAccessSignature sr=…&sig=…&se=…&skn=…`. */
  readonly signature: string
  /** Awaited when the signature has ended or was refused; may change it. If it rejects, it stays in use. */
  readonly refresh?: ((request: SecretRequest) => Promise<void>) | undefined
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
