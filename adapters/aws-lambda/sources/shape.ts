/** Whether `value` is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether `value` is an object whose fields of these names are all strings. */
export function hasStrings(value: unknown, ...names: string[]): value is Record<string, unknown> {
  return isObject(value) && names.every((name) => typeof value[name] === 'string')
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
