import type { Claims } from './claims.js'
import { type Reply, type Request, textOf } from './request-reply.js'
import { type AccessKey, covers, pathOf, type Right, sasPrefix, verifySas } from './sas.js'

/** Decides on a bearer token (`jwt`) for an audience such as `sb://host/hub`. */
export type AcceptJwt = (token: string, audience: string) => boolean | Promise<boolean>

export interface TokenRules {
  readonly keys: ReadonlyMap<string, AccessKey>
  readonly acceptJwt: AcceptJwt | undefined
  now(): number
}

export type TokenVerdict =
  | { readonly ok: true; readonly rights: readonly Right[]; readonly expiresAt: number }
  | { readonly ok: false; readonly reason: string }

const jwtRights: readonly Right[] = ['send', 'listen', 'manage']
const jwtLifeInMs = 3_600_000

/** Answers `put-token`: verifies the token and notes the claim. 202: accepted; 401: refused; 400: malformed. */
export async function putToken(request: Request, claims: Claims, rules: TokenRules): Promise<Reply> {
  const { applicationProperties: properties } = request
  const name = textOf(properties.get('name'))
  const token = textOf(request.body)
  if (textOf(properties.get('operation')) !== 'put-token' || name === undefined || token === undefined) {
    return {
      statusCode: 400,
      statusDescription: 'The operation must be put-token, with a name and the token as the body.',
      errorCondition: 'com.microsoft:argument-error',
    }
  }
  const verdict = await judge(token, textOf(properties.get('type')), name, rules)
  if (!verdict.ok) {
    return { statusCode: 401, statusDescription: verdict.reason, errorCondition: 'amqp:unauthorized-access' }
  }
  claims.put({ path: pathOf(name), rights: verdict.rights, expiresAt: verdict.expiresAt })
  return { statusCode: 202, statusDescription: 'Accepted' }
}

function judge(
  token: string,
  type: string | undefined,
  audience: string,
  rules: TokenRules,
): TokenVerdict | Promise<TokenVerdict> {
  // The Python SDK (5.11 at least) puts its signatures as `jwt`: the service must take them, or it would not work.
  const isSigned = type === 'servicebus.windows.net:sastoken' || (type === 'jwt' && token.startsWith(sasPrefix))
  if (isSigned) return judgeSas(token, pathOf(audience), rules)
  if (type === 'jwt') return judgeJwt(token, audience, rules)
  return { ok: false, reason: 'InvalidTokenType: The type must be jwt or servicebus.windows.net:sastoken.' }
}

/** A shared access signature is good for its resource and for what lies beneath it. */
export function judgeSas(token: string, path: string, rules: TokenRules): TokenVerdict {
  const result = verifySas(token, rules.keys, rules.now())
  if (!result.ok || covers(result.path, path)) return result
  return { ok: false, reason: "InvalidAudience: The token's resource (sr) does not cover the name it was put for." }
}

export async function judgeJwt(token: string, audience: string, rules: TokenRules): Promise<TokenVerdict> {
  const accepted = rules.acceptJwt !== undefined && (await rules.acceptJwt(token, audience))
  if (!accepted) return { ok: false, reason: 'InvalidSignature: The token has an invalid signature.' }
  const expiresAt = expiryOf(token) ?? rules.now() + jwtLifeInMs
  if (expiresAt <= rules.now()) return { ok: false, reason: 'ExpiredToken: The token is expired.' }
  return { ok: true, rights: jwtRights, expiresAt }
}

/** The `exp` of a real JWT, in milliseconds; undefined for what a test made up. */
function expiryOf(token: string): number | undefined {
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
    const expiry = payload !== null && typeof payload === 'object' && 'exp' in payload ? payload.exp : undefined
    return typeof expiry === 'number' ? expiry * 1000 : undefined
  } catch {
    return undefined
  }
}
