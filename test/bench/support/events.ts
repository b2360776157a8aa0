/** Every event of a benchmark carries a number by which the hub recognizes it. */
const digits = 10

/** A body of `sizeInBytes` bytes that starts with the number. Text, so that every wire carries it as it is. */
export function bodyOf(id: number, sizeInBytes: number): Buffer {
  const body = Buffer.alloc(Math.max(digits, sizeInBytes), 'x')
  body.write(String(id).padStart(digits, '0'), 'latin1')
  return body
}

/** The bodies of a stream of events, by their place in it. */
export function bodySource(firstId: number, count: number, sizeInBytes: number, made: 'before' | 'as-sent') {
  if (made === 'as-sent') return (i: number) => bodyOf(firstId + i, sizeInBytes)
  const bodies = bodiesOf(firstId, count, sizeInBytes)
  return (i: number) => bodies[i] ?? bodyOf(firstId + i, sizeInBytes)
}

/** Many bodies in one piece of memory, so that freeing them costs whoever is measured next to nothing. */
export function bodiesOf(firstId: number, count: number, sizeInBytes: number): Buffer[] {
  const slab = Buffer.alloc(count * sizeInBytes, 'x')
  return Array.from({ length: count }, (_, i) => {
    const body = slab.subarray(i * sizeInBytes, (i + 1) * sizeInBytes)
    body.write(String(firstId + i).padStart(digits, '0'), 'latin1')
    return body
  })
}

export function idOf(body: Buffer): number {
  return Number(body.toString('latin1', 0, digits))
}
