import { systemClock } from '../../../core/clock.js'
import { refuseUnknownOptions, whole } from '../../../core/options.js'
import { decodeBase64 } from '../cloudevents/base64.js'
import { parseSecrets } from './keys.js'
import type { AuthScheme } from './scheme.js'
import { isSigned, signatureIn } from './signature.js'

/** Options of `standardWebhooksAuth`. */
export interface StandardWebhooksAuthOptions {
  /** The secret in base64, with or without `whsec_` in front, or several while one is being replaced. At least 16 bytes each. */
  readonly secrets: string | readonly string[]
  /** How far `webhook-timestamp` may be from the time here, either way, in milliseconds. Default: 300000. */
  readonly toleranceInMs?: number | undefined
}

const shortestSecretInBytes = 16
/** The symmetric kind: HMAC with SHA-256. */
const version = 'v1,'

/**
 * Standard Webhooks: `webhook-signature` signs id, timestamp and body. Within the tolerance who has seen a request can
 * send it again, with other headers: `Idempotency-Key` is none that is signed, and so no guard against that. Throws
 * `TypeError` or `RangeError` for options that cannot work.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks
 */
export function standardWebhooksAuth(options: StandardWebhooksAuthOptions): AuthScheme {
  refuseUnknownOptions('standardWebhooksAuth options', options, new Set(['secrets', 'toleranceInMs']))
  const toleranceInMs = whole('standardWebhooksAuth.toleranceInMs', options.toleranceInMs, 300_000, 1)
  const secrets = parseSecrets('standardWebhooksAuth.secrets', options.secrets).map(parseSecret)
  return {
    settles: true,
    hint: 'the headers webhook-id, webhook-timestamp and webhook-signature',
    security: [signatureIn('webhook-signature')],
    async authenticate({ headers }, readBody) {
      const [id, timestamp, signature] = ['id', 'timestamp', 'signature'].map((name) => headers.get(`webhook-${name}`))
      if (!id || !signature || !timestamp || !/^\d{1,12}$/.test(timestamp)) return undefined
      if (endOfAnother.test(id)) return undefined
      if (Math.abs(systemClock.wallNow() - Number(timestamp) * 1000) > toleranceInMs) return undefined
      const signatures = signature
        .split(' ')
        .filter((each) => each.startsWith(version))
        .flatMap((each) => decodeBase64(each.slice(version.length)) ?? [])
      if (signatures.length === 0) return undefined
      const head = new TextEncoder().encode(`${id}.${timestamp}.`)
      // A caller may name any number of signatures, and each costs a digest of the whole body.
      const isGenuine = await isSigned(secrets, signatures.slice(0, mostSignatures), head, await readBody())
      return isGenuine ? 'standard-webhooks' : undefined
    },
  }
}

const mostSignatures = 5

/**
 * Full stops stand between what is signed. An id with a number of its own between them would pass off the timestamp of
 * another request as a part of the id, and that one's body, if it begins with a number, as timestamp and body.
 */
const endOfAnother = /\.\d{1,12}(?:\.|$)/

function parseSecret(secret: string): Uint8Array {
  const bytes = decodeBase64(secret.replace(/^whsec_/, ''))
  if (bytes !== undefined && bytes.length >= shortestSecretInBytes) return bytes
  throw new TypeError(
    `A secret in standardWebhooksAuth.secrets must be padded base64 of at least ${shortestSecretInBytes} bytes, with or without whsec_ in front.`,
  )
}
