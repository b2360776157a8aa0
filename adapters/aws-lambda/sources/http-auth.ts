import { createHash, timingSafeEqual } from 'node:crypto'
import type { HttpRequest } from './http-request.js'

/**
 * Who may send events by HTTP:
 *
 * - `aws`: whom an authorizer of AWS has let in (IAM, JWT, Cognito or Lambda);
 * - `bearer`: who sends `Authorization: Bearer <key>` with this key, or one of these while one is being replaced; at
 *   least 16 characters each;
 * - a function that judges the request.
 */
export type HttpAuth =
  | 'aws'
  | { readonly bearer: string | readonly string[] }
  | ((request: HttpRequest) => boolean | Promise<boolean>)

/** What a bearer key has to be long to be no guess. */
const shortestKey = 16

/** Throws `TypeError` for what is no `HttpAuth`, without repeating a key. */
export function assertHttpAuth(auth: unknown): void {
  if (auth === undefined || auth === 'aws' || typeof auth === 'function') return
  const keys = typeof auth === 'object' && auth !== null && 'bearer' in auth ? [auth.bearer].flat() : []
  if (keys.length === 0 || Object.keys(auth as object).length !== 1) {
    throw new TypeError(
      "The option auth must be 'aws', { bearer: key } or a function (request) => boolean. Without it nobody may send events by HTTP.",
    )
  }
  for (const key of keys) {
    if (typeof key === 'string' && key.length >= shortestKey && /^[\x21-\x7e]+$/.test(key)) continue
    throw new TypeError(
      `Each key in auth.bearer must be a string of at least ${shortestKey} printable ASCII characters without spaces.`,
    )
  }
}

/** Why the caller is not let in; undefined: it is. */
export async function whyNotAllowed(request: HttpRequest, auth: HttpAuth | undefined): Promise<string | undefined> {
  if (auth === undefined) {
    return 'This function takes no events by HTTP from anybody: its auth option is not set. Set it, or remove the URL.'
  }
  if (auth === 'aws') {
    if (request.isAuthorizedByAws) return undefined
    return 'AWS has not authorized the caller. Give the Function URL the authorizer AWS_IAM, or the API one of its own.'
  }
  if (typeof auth === 'function') {
    return (await auth(request)) === true ? undefined : 'The caller is not allowed to send events.'
  }
  const presented = /^bearer +([\x21-\x7e]+)$/i.exec(request.headers.authorization?.trim() ?? '')?.[1]
  if (presented === undefined) return 'Send the header Authorization: Bearer <key>.'
  // Digests of one length, each of them compared: the time taken tells nothing of a key.
  const digest = digestOf(presented)
  const matches = [auth.bearer].flat().map((key) => timingSafeEqual(digestOf(key), digest))
  return matches.includes(true) ? undefined : 'This key is not known here.'
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
