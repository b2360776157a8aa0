import { assertAreOptions, refuseUnknownOptions } from '../../../core/options.js'
import { decodeUtf8 } from '../body.js'
import { decodeBase64 } from '../cloudevents/base64.js'
import { keyMatcher, parseSecrets } from './keys.js'
import type { AuthScheme } from './scheme.js'

/** Options of `basicAuth`. */
export interface BasicAuthOptions {
  /** Passwords by user name. A password has at least 16 characters; a name has no colon. */
  readonly users: Readonly<Record<string, string>>
}

/** HTTP's Basic scheme (RFC 7617). Throws `TypeError` for options that cannot work. */
export function basicAuth(options: BasicAuthOptions): AuthScheme {
  refuseUnknownOptions('basicAuth options', options, new Set(['users']))
  assertAreOptions('basicAuth.users', options.users)
  const users = Object.entries(options.users)
  if (users.some(([name]) => name === '' || name.includes(':'))) {
    throw new TypeError('A name in basicAuth.users must not be empty, and cannot hold a colon (RFC 7617).')
  }
  const passwords = parseSecrets(
    'basicAuth.users',
    users.map(([, password]) => password),
  )
  // Name and password are compared as one: the time taken says nothing of which names there are.
  const matching = keyMatcher(users.map(([name], index) => `${name}:${passwords[index]}`))
  return {
    settles: true,
    hint: 'the header Authorization: Basic <name:password in base64>',
    challenge: 'Basic realm="events", charset="UTF-8"',
    security: [{ type: 'http', scheme: 'basic' }],
    async authenticate({ headers }) {
      const encoded = /^basic +(\S+)$/i.exec(headers.get('authorization')?.trim() ?? '')?.[1]
      const bytes = encoded === undefined ? undefined : decodeBase64(encoded)
      const presented = bytes && decodeUtf8(bytes)
      if (presented === undefined || (await matching(presented)) === undefined) return undefined
      return `basic:${presented.slice(0, presented.indexOf(':'))}`
    },
  }
}
