/** A parsed `Content-Type`. */
export interface MediaType {
  /** Type and subtype, in lower case: `application/json`. */
  readonly essence: string
  /** The `charset` parameter, in lower case, without quotes. */
  readonly charset: string | undefined
}

/** RFC 9110, section 5.6.2. */
const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const mediaType = new RegExp(`^(${token}/${token})[ \\t]*((?:;.*)?)$`)
const parameter = new RegExp(`;[ \\t]*(${token})=(?:(${token})|"((?:[^"\\\\]|\\\\.)*)")`, 'g')

/** `undefined` for what is not a media type. Parameters that cannot be read are left out. */
export function parseMediaType(text: string): MediaType | undefined {
  const [, essence, parameters = ''] = mediaType.exec(text.trim()) ?? []
  if (essence === undefined) return undefined
  let charset: string | undefined
  for (const [, name = '', plain, quoted] of parameters.matchAll(parameter)) {
    if (name.toLowerCase() === 'charset') charset ??= (plain ?? quoted?.replace(/\\(.)/g, '$1') ?? '').toLowerCase()
  }
  return { essence: essence.toLowerCase(), charset }
}

/** US-ASCII is UTF-8 that happens to be short. */
export function isUtf8(charset: string | undefined): boolean {
  return charset === undefined || charset === 'utf-8' || charset === 'utf8' || charset === 'us-ascii'
}

/** Whether data of this type is JSON text (RFC 6839: subtype `json` or a `+json` suffix). */
export function isJson(type: MediaType): boolean {
  return type.essence.endsWith('/json') || type.essence.endsWith('+json')
}
