/** What `@azure/identity` credentials are, structurally: our types must not need that package. */
export interface TokenCredential {
  getToken(
    scopes: string | string[],
    options?: { abortSignal?: AbortSignal },
  ): Promise<{ token: string; expiresOnTimestamp: number } | null>
}

/**
 * A credential that is made with the first token and not before, so that its package is loaded only where it is
 * used. A making that fails is tried again with the next token.
 */
export function lazyCredential(make: () => Promise<TokenCredential>): TokenCredential {
  let made: Promise<TokenCredential> | undefined
  return {
    async getToken(scopes, options) {
      made ??= make().catch((error) => {
        made = undefined
        throw error
      })
      return (await made).getToken(scopes, options)
    },
  }
}
