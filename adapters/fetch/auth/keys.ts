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
 * Tells which of the keys was presented, in a time that depends on the presented one's length alone: all are compared, to
 * the end. Resolves to a name that is not the key, or undefined.
 */
export function keyMatcher(keys: readonly string[]): (presented: string) => Promise<string | undefined> {
  // Plain values, made by the first request of each key: a promise must not outlive the request that made it.
  const names = new Map<number, string>()
  return async (presented) => {
    let found = -1
    for (const [index, key] of keys.entries()) {
      if (isEqualInConstantTime(key, presented)) found = index
    }
    if (found === -1) return undefined
    const name = names.get(found) ?? (await nameOf(presented))
    names.set(found, name)
    return name
  }
}

function isEqualInConstantTime(key: string, presented: string): boolean {
  let difference = key.length ^ presented.length
  for (let index = 0; index < presented.length; index += 1) {
    difference |= presented.charCodeAt(index) ^ key.charCodeAt(index % key.length)
  }
  return difference === 0
}

/** The same in every process, and no way back to the key. */
async function nameOf(key: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key))
  return hexOf(new Uint8Array(digest, 0, 8))
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
