const shortestKeyLength = 16
const visibleAscii = /^[\x21-\x7e]+$/

/** One secret or a list of them, checked. The messages leave the secrets out: they end up in logs. */
export function parseSecrets(name: string, secrets: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(secrets) ? secrets : secrets === undefined ? [] : [secrets]
  if (list.length === 0) throw new TypeError(`${name} has no key: nobody could post. Pass at least one.`)
  return list.map((secret) => {
    if (typeof secret === 'string' && secret.length >= shortestKeyLength) return secret
    throw new TypeError(`A key in ${name} must be a string of at least ${shortestKeyLength} characters.`)
  })
}

/** As `parseSecrets`, for what travels in a header as it is. */
export function parseKeys(name: string, keys: unknown): readonly string[] {
  const parsed = parseSecrets(name, keys)
  if (parsed.every((key) => visibleAscii.test(key))) return parsed
  throw new TypeError(
    `A key in ${name} holds a space, a control character or a character outside ASCII, which cannot travel in a header.`,
  )
}

/**
 * Tells which of the keys was presented, in a time that does not depend on how much of one was right: digests have one
 * length and no relation to that, and all of them are compared. Resolves to a name that is not the key, or undefined.
 */
export function keyMatcher(keys: readonly string[]): (presented: string) => Promise<string | undefined> {
  // Plain bytes, computed by the first request: a promise must not outlive the request that made it.
  let digests: readonly Uint8Array[] | undefined
  return async (presented) => {
    digests ??= await Promise.all(keys.map(digestOf))
    const digest = await digestOf(presented)
    let matches = 0
    for (const expected of digests) matches |= equalInConstantTime(expected, digest)
    return matches === 0 ? undefined : hexOf(digest.subarray(0, 8))
  }
}

async function digestOf(key: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key)))
}

function equalInConstantTime(expected: Uint8Array, presented: Uint8Array): 0 | 1 {
  let difference = expected.length ^ presented.length
  for (const [index, byte] of expected.entries()) difference |= byte ^ (presented[index] ?? 0)
  return difference === 0 ? 1 : 0
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
