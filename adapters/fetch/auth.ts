import { refuseUnknownOptions } from '../../core/options.js'
import { ProblemError } from './problem.js'

/**
 * Who may post events. `bearer`: one key, or several while one is being replaced; callers send
 * `Authorization: Bearer <key>`. `'none'`: anyone who can reach this address.
 */
export type FetchHandlerAuth = 'none' | { readonly bearer: string | readonly string[] }

/** Rejects with a 401 when the request may not go on. */
export type Authenticator = (request: Request) => Promise<void>

const shortestKeyLength = 16
const visibleAscii = /^[\x21-\x7e]+$/

export function authenticatorFor(auth: FetchHandlerAuth | undefined): Authenticator {
  if (auth === 'none') return async () => {}
  if (typeof auth !== 'object' || auth === null) {
    throw new TypeError(
      "Who may post events? Pass auth: { bearer: '<key>' }, or auth: 'none' to let in everyone who can reach this address.",
    )
  }
  refuseUnknownOptions('auth', auth, new Set(['bearer']))
  const keys: readonly unknown[] = typeof auth.bearer === 'string' ? [auth.bearer] : (auth.bearer ?? [])
  if (keys.length === 0) throw new TypeError('auth.bearer has no key: nobody could post. Pass at least one.')
  return bearerAuthenticator(keys.map(parseKey))
}

function parseKey(key: unknown): string {
  // The messages leave the key out: they end up in logs.
  if (typeof key !== 'string' || key.length < shortestKeyLength) {
    throw new TypeError(`A key in auth.bearer must be a string of at least ${shortestKeyLength} characters.`)
  }
  if (!visibleAscii.test(key)) {
    throw new TypeError(
      'A key in auth.bearer holds a space, a control character or a character outside ASCII, which cannot travel in an Authorization header.',
    )
  }
  return key
}

function bearerAuthenticator(keys: readonly string[]): Authenticator {
  // Plain bytes, computed by the first request: a promise must not outlive the request that made it.
  let digests: readonly Uint8Array[] | undefined
  return async (request) => {
    const header = request.headers.get('authorization')
    if (header === null) {
      throw unauthorized('Send the header Authorization: Bearer <key>.', 'Bearer realm="events"')
    }
    const presented = /^bearer +([\x21-\x7e]+)$/i.exec(header.trim())?.[1]
    if (presented === undefined) {
      throw unauthorized('The Authorization header must have the form: Bearer <key>.', 'Bearer realm="events"')
    }
    digests ??= await Promise.all(keys.map(digestOf))
    const digest = await digestOf(presented)
    // No early exit: the time taken does not tell which key was nearly right.
    let matches = 0
    for (const expected of digests) matches |= equalInConstantTime(expected, digest)
    if (matches === 0) {
      throw unauthorized(
        'This key is not known here. Check it against the one that the front door was set up with.',
        'Bearer realm="events", error="invalid_token"',
      )
    }
  }
}

function unauthorized(detail: string, challenge: string): ProblemError {
  return new ProblemError('unauthorized', detail, { 'www-authenticate': challenge })
}

/** Digests have one length and no relation to how much of a key was right, so comparing them leaks neither. */
async function digestOf(key: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key)))
}

function equalInConstantTime(expected: Uint8Array, presented: Uint8Array): 0 | 1 {
  let difference = expected.length ^ presented.length
  for (const [index, byte] of expected.entries()) difference |= byte ^ (presented[index] ?? 0)
  return difference === 0 ? 1 : 0
}
