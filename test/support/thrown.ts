/** What `action` throws; fails when it throws nothing. */
export function thrownBy(action: () => unknown): Error {
  try {
    action()
  } catch (error) {
    if (error instanceof Error) return error
    throw new TypeError(`Threw a ${typeof error}, which is no Error.`)
  }
  throw new Error('Nothing was thrown.')
}

/** Everything an error can show to whoever logs it: message, name, stack and fields, those of its causes too. */
export function everythingShownBy(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error)
  const own = Object.getOwnPropertyNames(error).map((name) => (error as Record<string, unknown>)[name])
  return own.map((value) => (value instanceof Error ? everythingShownBy(value) : String(value))).join('\n')
}
