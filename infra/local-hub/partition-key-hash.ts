/**
 * The service's choice of a partition for a key: Jenkins lookup3 over the key's UTF-8 bytes. Written from the published
 * algorithm and the vectors in the tests, apart from the producer's own, so that the two can check each other.
 */
export function partitionIndexForKey(key: string, partitionCount: number): number {
  // Both this remainder and C#'s keep the sign of the dividend; so does the service.
  return Math.abs(partitionKeyHash(key) % partitionCount)
}

/** The hash of a key, as a signed 16-bit number. */
export function partitionKeyHash(key: string): number {
  if (key === '') return 0
  const [b, c] = lookup3(Buffer.from(key, 'utf8'))
  return ((b ^ c) << 16) >> 16
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}

function lookup3(bytes: Buffer): [b: number, c: number] {
  // The rest of the last block counts as zeros, and a full last block is mixed as a rest, not as a block.
  const blocks = Math.max(1, Math.ceil(bytes.length / 12))
  const padded = Buffer.alloc(blocks * 12)
  bytes.copy(padded)
  let a = (0xdeadbeef + bytes.length) | 0
  let b = a
  let c = a
  for (let offset = 0; offset < padded.length; offset += 12) {
    a = (a + padded.readInt32LE(offset)) | 0
    b = (b + padded.readInt32LE(offset + 4)) | 0
    c = (c + padded.readInt32LE(offset + 8)) | 0
    if (offset + 12 < padded.length) {
      a = ((a - c) | 0) ^ rotate(c, 4)
      c = (c + b) | 0
      b = ((b - a) | 0) ^ rotate(a, 6)
      a = (a + c) | 0
      c = ((c - b) | 0) ^ rotate(b, 8)
      b = (b + a) | 0
      a = ((a - c) | 0) ^ rotate(c, 16)
      c = (c + b) | 0
      b = ((b - a) | 0) ^ rotate(a, 19)
      a = (a + c) | 0
      c = ((c - b) | 0) ^ rotate(b, 4)
      b = (b + a) | 0
    }
  }
  c = ((c ^ b) - rotate(b, 14)) | 0
  a = ((a ^ c) - rotate(c, 11)) | 0
  b = ((b ^ a) - rotate(a, 25)) | 0
  c = ((c ^ b) - rotate(b, 16)) | 0
  a = ((a ^ c) - rotate(c, 4)) | 0
  b = ((b ^ a) - rotate(a, 14)) | 0
  c = ((c ^ b) - rotate(b, 24)) | 0
  return [b, c]
}
