/** Whether `value` is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether `value` is an object whose fields of these names are all strings. */
export function hasStrings(value: unknown, ...names: string[]): value is Record<string, unknown> {
  return isObject(value) && names.every((name) => typeof value[name] === 'string')
}

/** The records of an event such as `{ Records: […] }`, all of one kind; undefined for anything else. */
export function recordsOf<R>(event: unknown, isSuch: (record: unknown) => record is R): readonly R[] | undefined {
  if (!isObject(event) || !Array.isArray(event.Records) || event.Records.length === 0) return undefined
  return event.Records.every(isSuch) ? event.Records : undefined
}

/** The JSON object or array in `text`; undefined for anything else, plain text above all. */
export function parseJson(text: string): unknown {
  // Nearly every text that is not JSON is told apart by its first character, without an exception.
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Undefined for bytes that are not UTF-8. A byte order mark is kept: it belongs to the text. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}
