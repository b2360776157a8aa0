import { concatenate } from '../body.js'
import type { SecurityScheme } from './scheme.js'

/** How a document describes a signature in a header. */
export function signatureIn(name: string): SecurityScheme {
  return { type: 'apiKey', in: 'header', name, description: 'A signature of the body.' }
}

/** Whether one of the secrets made one of the signatures (HMAC with SHA-256) of these bytes. The comparison takes constant time. */
export async function isSigned(
  secrets: readonly Uint8Array[],
  signatures: readonly Uint8Array[],
  ...signed: readonly Uint8Array[]
): Promise<boolean> {
  const bytes = asBuffer(concatenate(signed))
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  for (const secret of secrets) {
    const key = await crypto.subtle.importKey('raw', asBuffer(secret), algorithm, false, ['verify'])
    for (const signature of signatures) {
      if (await crypto.subtle.verify('HMAC', key, asBuffer(signature), bytes)) return true
    }
  }
  return false
}

/** Nothing here is of shared memory, which WebCrypto does not take; the type cannot say so. */
function asBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>
}
