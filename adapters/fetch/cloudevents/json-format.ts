import type { AttributeValue, CloudEvent, InvalidCloudEvent } from './attributes.js'
import { isWellFormed, parseAttributes } from './attributes.js'
import { decodeBase64 } from './base64.js'
import { rawMember, topLevelParts } from './json-text.js'
import { isJson, isUtf8, parseMediaType } from './media-type.js'

/**
 * One event of the CloudEvents JSON format 1.0. `value` is the parsed form of `text`; JSON data is taken
 * from the text, unchanged.
 */
export function parseJsonCloudEvent(value: unknown, text: string): CloudEvent | InvalidCloudEvent {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { invalid: 'A CloudEvent must be a JSON object.' }
  }
  const parts = topLevelParts(text)
  const { data, data_base64: base64, ...members } = value as Record<string, unknown>
  const parsed = parseAttributes(Object.entries(members))
  if ('invalid' in parsed) return parsed
  const { attributes } = parsed
  const id = String(attributes.id)
  // Parsing keeps the last of two equal names; which one the sender meant is anyone's guess.
  if (parts.length !== 2 * Object.keys(value).length) return { invalid: 'A member of the event is given twice.', id }
  const hasData = data !== undefined
  const hasBase64 = base64 !== undefined && base64 !== null
  if (hasData && hasBase64) return { invalid: 'An event has either data or data_base64, not both.', id }
  const payload = hasBase64 ? parseBase64Data(attributes, base64) : parseData(attributes, data, parts)
  return 'invalid' in payload ? { ...payload, id } : { attributes, ...payload }
}

type Payload = Pick<CloudEvent, 'data' | 'dataContentType'> | { readonly invalid: string }

function parseBase64Data({ datacontenttype }: Readonly<Record<string, AttributeValue>>, base64: unknown): Payload {
  const data = typeof base64 === 'string' ? decodeBase64(base64) : undefined
  if (data === undefined) return { invalid: 'data_base64 must be a string in base64 (RFC 4648), with its padding.' }
  return { data, dataContentType: datacontenttype === undefined ? undefined : String(datacontenttype) }
}

/** Section 3.1.2 of the JSON format: the type decides whether `data` is a JSON value or text that stands in a string. */
function parseData(
  { datacontenttype }: Readonly<Record<string, AttributeValue>>,
  data: unknown,
  parts: readonly string[],
): Payload {
  const dataContentType = datacontenttype === undefined ? undefined : String(datacontenttype)
  if (data === undefined) return { data: undefined, dataContentType }
  const type = parseMediaType(dataContentType ?? 'application/json')
  if (type === undefined || isJson(type)) {
    // Left out, the type is implied here, but nowhere else: it has to be written down to keep its meaning.
    return { data: rawMember(parts, 'data'), dataContentType: dataContentType ?? 'application/json' }
  }
  if (typeof data !== 'string') {
    return { invalid: 'data must be a string when datacontenttype is not JSON. Send bytes as data_base64.' }
  }
  if (!isUtf8(type.charset)) {
    return { invalid: 'data in a charset other than UTF-8 must be sent as data_base64.' }
  }
  if (!isWellFormed(data)) return { invalid: 'data holds half a surrogate pair, which has no UTF-8 form.' }
  return { data, dataContentType }
}
