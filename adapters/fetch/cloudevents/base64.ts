/** `undefined` for what is not padded base64 (RFC 4648, section 4); `atob` alone would let white space through. */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  let binary: string
  try {
    binary = atob(text)
  } catch {
    return undefined
  }
  const bytes = new Uint8Array(binary.length)
  for (let index = 0; index < binary.length; index += 1) bytes[index] = binary.charCodeAt(index)
  return bytes
}

/** Padded, as CloudEvents wants it. */
export function encodeBase64(bytes: Uint8Array): string {
  // In pieces: the arguments of one call are limited in number.
  const pieces: string[] = []
  for (let start = 0; start < bytes.length; start += pieceSize) {
    pieces.push(String.fromCharCode(...bytes.subarray(start, start + pieceSize)))
  }
  return btoa(pieces.join(''))
}

const pieceSize = 8_192
