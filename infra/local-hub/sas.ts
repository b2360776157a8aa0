import { createHmac, timingSafeEqual } from 'node:crypto'

/** What a key or a token may allow. */
export type Right = 'send' | 'listen' | 'manage'

export interface AccessKey {
  readonly key: string
  readonly rights: readonly Right[]
}

export type SasResult =
  | {
      readonly ok: true
      readonly path: string
      readonly keyName: string
      readonly rights: readonly Right[]
      readonly expiresAt: number
    }
  | { readonly ok: false; readonly reason: string }

// Longer than any signature that an SDK makes; what is longer is not worth the hashing.
const maxTokenLength = 8192

/** What every shared access signature begins with. */
export const sasPrefix = 'SharedAccessSignature '

/**
 * Verifies `SharedAccessSignature sr=…&sig=…&se=…&skn=…`: the signature, which is over `sr`, a line feed and `se` with
 * the key named by `skn`, and the expiry. `now` is in milliseconds since 1970, as is the `expiresAt` returned.
 */
export function verifySas(token: string, keys: ReadonlyMap<string, AccessKey>, now: number): SasResult {
  if (!token.startsWith(sasPrefix) || token.length > maxTokenLength)
    return refused('MalformedToken: The token is not a shared access signature.')
  const fields = parseFields(token.slice(sasPrefix.length))
  const resource = fields.get('sr')
  const signature = fields.get('sig')
  const expiry = fields.get('se')
  if (resource === undefined || signature === undefined || expiry === undefined || !/^\d{1,15}$/.test(expiry)) {
    return refused('MalformedToken: A shared access signature needs sr, sig, se and skn.')
  }
  const keyName = decode(fields.get('skn') ?? '')
  const accessKey = keys.get(keyName)
  const genuine = signs(accessKey?.key ?? '', resource, expiry, decode(signature))
  if (accessKey === undefined || !genuine) return refused('InvalidSignature: The token has an invalid signature.')
  const expiresAt = Number(expiry) * 1000
  if (expiresAt <= now) return refused('ExpiredToken: The token is expired.')
  return { ok: true, path: pathOf(decode(resource)), keyName, rights: accessKey.rights, expiresAt }
}

/** The path of a resource URI, or of a plain path: decoded, lower case, without slashes at its ends. */
export function pathOf(uri: string): string {
  const withoutHost = uri.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '')
  return decode(withoutHost)
    .toLowerCase()
    .replace(/^\/+|\/+$/g, '')
}

/** Whether `path` is `scope` or lies beneath it. The empty scope is the whole namespace. */
export function covers(scope: string, path: string): boolean {
  return scope === '' || path === scope || path.startsWith(`${scope}/`)
}

function refused(reason: string): SasResult {
  return { ok: false, reason }
}

function parseFields(text: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const part of text.split('&')) {
    const equals = part.indexOf('=')
    if (equals > 0) fields.set(part.slice(0, equals).trim(), part.slice(equals + 1).trim())
  }
  return fields
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/**
 * SDKs sign the resource as they encode it: encodeURIComponent in JavaScript, quote_plus in Python, UrlEncode with
 * upper or lower case digits in .NET. What was signed is the spelling in the token; the others are tried for a token
 * that was decoded or encoded anew on its way.
 */
function signs(key: string, resource: string, expiry: string, signature: string): boolean {
  const plain = decode(resource)
  const encoded = encodeURIComponent(plain)
  const spellings = new Set([
    resource,
    encoded,
    encoded.replace(/%[0-9A-F]{2}/g, (digits) => digits.toLowerCase()),
    encoded.toLowerCase(),
    plain,
  ])
  let matches = false
  for (const spelling of spellings) matches = hmacEquals(key, `${spelling}\n${expiry}`, signature) || matches
  return matches
}

function hmacEquals(key: string, text: string, signature: string): boolean {
  const expected = createHmac('sha256', key).update(text).digest()
  const given = Buffer.from(signature, 'base64')
  return given.length === expected.length && timingSafeEqual(given, expected)
}

/** Compares secrets without telling by the time taken where they differ. */
export function secretsEqual(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHmac('sha256', 'compare').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
