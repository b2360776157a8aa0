/** How a caller shows who it is, as OpenAPI 3.1 describes it. */
export type SecurityScheme =
  | { readonly type: 'http'; readonly scheme: 'bearer' | 'basic' }
  | {
      readonly type: 'apiKey'
      readonly in: 'header' | 'query'
      /** Of the header or the query parameter. */
      readonly name: string
      readonly description?: string
    }

/**
 * One way for callers to show who they are. `bearer` is built in; the others are made by `apiKeyAuth`, `basicAuth`,
 * `standardWebhooksAuth` and `gitHubAuth`, or are your own.
 */
export interface AuthScheme {
  /** What to send, for the detail of a 401, such as `the header x-api-key: <key>`. Holds no secret. */
  readonly hint: string
  /** The scheme's part of `WWW-Authenticate`, such as `Basic realm="events"`. Default: it has none. */
  readonly challenge?: string | undefined
  /** @internal Of ours: it waits for nothing but the body and digests, and needs no limit of time. */
  readonly settles?: true | undefined
  /** How the OpenAPI documents describe this scheme. Of several, each suffices. Default: they leave it out. */
  readonly security?: readonly SecurityScheme[] | undefined
  /**
   * The caller's name; undefined or empty when this scheme does not let the request in. The name scopes rate limits and
   * `Idempotency-Key`; it should stay the same for one caller and must hold no secret.
   *
   * `readBody` gives the raw body, within the request's limits; let its rejection pass. The handler reads the same
   * bytes afterwards. The request's deadline ends the wait for it.
   */
  authenticate(request: Request, readBody: () => Promise<Uint8Array>): Promise<string | undefined> | string | undefined
}
