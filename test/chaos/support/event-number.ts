const digits = 10

/** A text body that begins with the event's number and has about this size. Text: every wire carries it as it is. */
export function bodyOf(number: number, sizeInBytes: number): string {
  return String(number).padStart(digits, '0').padEnd(sizeInBytes, 'x')
}

/** The number in a body, or in a copy of it. */
export function numberOf(body: unknown): number {
  const text = typeof body === 'string' ? body : Buffer.from(body as Buffer).toString('latin1', 0, digits)
  return Number(text.slice(0, digits))
}
