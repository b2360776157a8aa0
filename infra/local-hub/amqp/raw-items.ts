import { skipValue } from './decoder.js'
import { decodeError } from './errors.js'
import { Reader } from './reader.js'

/** The items of a list, or the keys and values of a map in turn, each still encoded. */
export function readRawItems(reader: Reader, kind: 'list' | 'map'): Buffer[] {
  const type = reader.byte()
  if (kind === 'list' && type === 0x45) return []
  const shortCode = kind === 'list' ? 0xc0 : 0xc1
  if (type !== shortCode && type !== shortCode + 0x10) throw decodeError(`A ${kind} was expected.`)
  const wide = type !== shortCode
  const size = reader.size(wide)
  const end = reader.position + size
  if (end > reader.end) throw decodeError(`A ${kind} is longer than the data.`)
  const inner = new Reader(reader.bytes, reader.position, end)
  const count = inner.size(wide)
  if (count > inner.remaining) throw decodeError(`A ${kind} claims more items than its size allows.`)
  if (kind === 'map' && count % 2 !== 0) throw decodeError('A map has a key without a value.')
  const items: Buffer[] = []
  for (let i = 0; i < count; i++) {
    const start = inner.position
    skipValue(inner)
    items.push(reader.bytes.subarray(start, inner.position))
  }
  if (inner.remaining > 0) throw decodeError(`A ${kind} does not end where it says.`)
  reader.position = end
  return items
}
