import type { CloudEvent, InvalidCloudEvent } from './attributes.js'
import { parseAttributes } from './attributes.js'
import { isUriReference } from './uri.js'

const prefix = 'ce-'

/** One event of the CloudEvents HTTP binding 1.0 in binary mode: attributes in `ce-` headers, data as the body. */
export function parseHttpCloudEvent(headers: Headers, body: Uint8Array): CloudEvent | InvalidCloudEvent {
  const entries: [string, string][] = []
  let invalid: string | undefined
  for (const [header, raw] of headers) {
    if (!header.startsWith(prefix)) continue
    if (header === 'ce-datacontenttype') invalid ??= 'Send Content-Type instead of ce-datacontenttype.'
    const name = header.slice(prefix.length)
    const value = name === 'source' || name === 'dataschema' ? decodeUriHeader(raw) : decodeHeaderValue(raw)
    if (value === undefined) {
      invalid ??= 'A ce- header must be printable ASCII; percent-encode other characters as UTF-8.'
    } else {
      entries.push([name, value])
    }
  }
  const contentType = headers.get('content-type')
  if (contentType !== null) entries.push(['datacontenttype', contentType])
  const parsed = parseAttributes(entries)
  if ('invalid' in parsed) return invalid === undefined ? parsed : { ...parsed, invalid }
  const { attributes } = parsed
  if (invalid !== undefined) return { invalid, id: String(attributes.id) }
  return {
    attributes,
    data: body.byteLength === 0 ? undefined : body,
    dataContentType: contentType ?? undefined,
  }
}

/**
 * A URI has escapes of its own, which the binding would have encoded once more. Senders that leave that out exist,
 * the CloudEvents SDK for JavaScript among them: where decoding leaves no URI, the header was the URI.
 */
function decodeUriHeader(raw: string): string | undefined {
  const decoded = decodeHeaderValue(raw)
  return (decoded === undefined || !isUriReference(decoded)) && isUriReference(raw) ? raw : decoded
}

/**
 * Undoes quoting, then percent-encoding (section 3.1.3.2). `undefined` for bytes that are not UTF-8 and for
 * characters that a header cannot carry unencoded. A `%` that starts no escape stands for itself: senders
 * that do not encode exist.
 */
export function decodeHeaderValue(raw: string): string | undefined {
  if (!/^[\x20-\x7e]*$/.test(raw)) return undefined
  const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(raw)?.[1]
  const value = quoted === undefined ? raw : quoted.replace(/\\(.)/g, '$1')
  try {
    return value.replace(/(?:%[\dA-Fa-f]{2})+/g, decodeURIComponent)
  } catch {
    return undefined
  }
}
