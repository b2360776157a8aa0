/** Every event carries its number in its body, so that it can be told in bytes wherever they are seen. */
export function bodyOf(id: number, sizeInBytes: number): string {
  return `#${id};`.padEnd(sizeInBytes, 'x')
}

export function idOf(event: { readonly body?: unknown }): number {
  const id = Number(/^#(\d+);/.exec(String(event.body))?.[1])
  if (!Number.isInteger(id)) throw new Error('An event without a number.')
  return id
}

/** The numbers of all events that lie whole in these bytes. */
export function idsIn(bytes: Buffer): number[] {
  const ids: number[] = []
  for (let at = bytes.indexOf(0x23); at >= 0; at = bytes.indexOf(0x23, at + 1)) {
    let id = 0
    let end = at + 1
    for (let digit = bytes[end]; digit !== undefined && digit >= 0x30 && digit <= 0x39; digit = bytes[++end]) {
      id = id * 10 + digit - 0x30
    }
    if (end > at + 1 && bytes[end] === 0x3b) ids.push(id)
  }
  return ids
}
