const utf8 = new TextEncoder()

/**
 * A Shared Access Signature for one resource: HMAC-SHA256, with the key, over the percent-encoded
 * resource and the expiry. Source: Azure's documentation, "Authorizing access to Event Hubs resources
 * using Shared Access Signatures".
 *
 * @param resource the full URI, such as `sb://ns.servicebus.windows.net/hub`; what lies below it is covered too
 * @param expiresOnInSeconds Unix time
 */
export async function createSharedAccessSignature(
  resource: string,
  keyName: string,
  key: string,
  expiresOnInSeconds: number,
): Promise<string> {
  const encodedResource = encodeURIComponent(resource)
  const hmacKey = await crypto.subtle.importKey('raw', utf8.encode(key), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ])
  const mac = await crypto.subtle.sign('HMAC', hmacKey, utf8.encode(`${encodedResource}\n${expiresOnInSeconds}`))
  const signature = btoa(String.fromCharCode(...new Uint8Array(mac)))
  return `SharedAccessSignature sr=${encodedResource}&sig=${encodeURIComponent(signature)}&se=${expiresOnInSeconds}&skn=${encodeURIComponent(keyName)}`
}

/** When a given signature ends, in milliseconds since the Unix epoch; undefined when it does not say. */
export function expiryOfSharedAccessSignature(signature: string): number | undefined {
  const seconds = Number(/(?:^|[&\s])se=(\d+)/.exec(signature)?.[1])
  return Number.isFinite(seconds) ? seconds * 1000 : undefined
}
