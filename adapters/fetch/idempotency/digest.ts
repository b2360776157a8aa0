import type { RequestContext } from '../context.js'

/** SHA-256 as base64url without padding: 43 characters. */
export async function digest(data: string | Uint8Array): Promise<string> {
  // A view over a SharedArrayBuffer, which no body is, would be refused.
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : (data as Uint8Array<ArrayBuffer>)
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return btoa(String.fromCharCode(...hash)).replace(/[+/=]/g, (character) => urlSafe[character] ?? '')
}

const urlSafe: Readonly<Record<string, string>> = { '+': '-', '/': '_' }

/**
 * Tells requests apart: by the body, and by all that decides what becomes of it. A CloudEvent in binary mode has
 * its attributes in headers; the partition key may stand in a header or in the query.
 */
export async function fingerprintOf({ request, url }: RequestContext, body: Uint8Array): Promise<string> {
  const headers = [...request.headers]
    .filter(([name]) => name === 'content-type' || name === 'x-partition-key' || name.startsWith('ce-'))
    .sort()
  // The body is hashed by itself: joined to the rest it would have to be copied.
  return digest(JSON.stringify([headers, url.searchParams.getAll('partitionKey'), await digest(body)]))
}
