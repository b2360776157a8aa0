const utf8 = new TextEncoder()
/** For keys of plain ASCII, as most are: no buffer has to be made for them. */
const ascii = new Uint8Array(256)

/**
 * The service's hash of a partition key, as a signed 16-bit number: Bob Jenkins' lookup3 (`hashlittle2`
 * with both seeds 0) over the key's UTF-8 bytes, folded by XOR. Source: the official .NET and
 * JavaScript SDKs' `PartitionResolver`; the Python SDK hashes code points and differs.
 */
export function hashPartitionKey(partitionKey: string): number {
  const isPlain = isAscii(partitionKey)
  const bytes = isPlain ? ascii : utf8.encode(partitionKey)
  let left = isPlain ? partitionKey.length : bytes.length
  let offset = 0
  let a = (0xdeadbeef + left) | 0
  let b = a
  let c = a

  while (left > 12) {
    a = (a + word(bytes, offset)) | 0
    b = (b + word(bytes, offset + 4)) | 0
    c = (c + word(bytes, offset + 8)) | 0
    // lookup3's mix()
    a = (a - c) ^ rotate(c, 4)
    c = (c + b) | 0
    b = (b - a) ^ rotate(a, 6)
    a = (a + c) | 0
    c = (c - b) ^ rotate(b, 8)
    b = (b + a) | 0
    a = (a - c) ^ rotate(c, 16)
    c = (c + b) | 0
    b = (b - a) ^ rotate(a, 19)
    a = (a + c) | 0
    c = (c - b) ^ rotate(b, 4)
    b = (b + a) | 0
    offset += 12
    left -= 12
  }

  if (left > 0) {
    a = (a + tailWord(bytes, offset, left)) | 0
    b = (b + tailWord(bytes, offset + 4, left - 4)) | 0
    c = (c + tailWord(bytes, offset + 8, left - 8)) | 0
    // lookup3's final()
    c = (c ^ b) - rotate(b, 14)
    a = (a ^ c) - rotate(c, 11)
    b = (b ^ a) - rotate(a, 25)
    c = (c ^ b) - rotate(b, 16)
    a = (a ^ c) - rotate(c, 4)
    b = (b ^ a) - rotate(a, 14)
    c = (c ^ b) - rotate(b, 24)
  }
  return ((c ^ b) << 16) >> 16
}

/** Whether the key is short and plain ASCII; its bytes are then in `ascii`. */
function isAscii(partitionKey: string): boolean {
  if (partitionKey.length > ascii.length) return false
  for (let i = 0; i < partitionKey.length; i++) {
    const unit = partitionKey.charCodeAt(i)
    if (unit > 127) return false
    ascii[i] = unit
  }
  return true
}

/** Four little-endian bytes. */
function word(bytes: Uint8Array, offset: number): number {
  return (
    (bytes[offset] ?? 0) |
    ((bytes[offset + 1] ?? 0) << 8) |
    ((bytes[offset + 2] ?? 0) << 16) |
    ((bytes[offset + 3] ?? 0) << 24)
  )
}

/** Up to four little-endian bytes; what is missing counts as zero. */
function tailWord(bytes: Uint8Array, offset: number, left: number): number {
  let word = 0
  for (let i = 0; i < Math.min(left, 4); i++) word |= (bytes[offset + i] ?? 0) << (8 * i)
  return word
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by))
}

/** The index, below `partitionCount`, of the partition that the service gives this key. */
export function partitionIndexForKey(partitionKey: string, partitionCount: number): number {
  // The remainder keeps the sign, as in C#; only then the absolute value is taken.
  return Math.abs(hashPartitionKey(partitionKey) % partitionCount)
}
