import { refuseUnknownOptions } from '../../../core/options.js'
import { parseSecrets } from './keys.js'
import type { AuthScheme } from './scheme.js'
import { isSigned, signatureIn } from './signature.js'

/** Options of `gitHubAuth`. */
export interface GitHubAuthOptions {
  /** The webhook's secret, or several while one is being replaced; at least 16 characters each. */
  readonly secrets: string | readonly string[]
}

/**
 * GitHub's webhooks: `X-Hub-Signature-256` signs the body. There is no timestamp in it, so who has seen a request can
 * send it again. Throws `TypeError` for options that cannot work.
 *
 * @see https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 */
export function gitHubAuth(options: GitHubAuthOptions): AuthScheme {
  refuseUnknownOptions('gitHubAuth options', options, new Set(['secrets']))
  const utf8 = new TextEncoder()
  const secrets = parseSecrets('gitHubAuth.secrets', options.secrets).map((secret) => utf8.encode(secret))
  return {
    settles: true,
    hint: "GitHub's header X-Hub-Signature-256",
    security: [signatureIn('X-Hub-Signature-256')],
    async authenticate({ headers }, readBody) {
      const hex = /^sha256=([\da-f]{64})$/.exec(headers.get('x-hub-signature-256') ?? '')?.[1]
      if (hex === undefined) return undefined
      const signature = Uint8Array.from(hex.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16))
      return (await isSigned(secrets, [signature], await readBody())) ? 'github' : undefined
    },
  }
}
