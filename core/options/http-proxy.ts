import { refuseUnknownOptions } from './checks.js'

/** An HTTP proxy that is itself spoken to without TLS. */
export interface HttpProxyOptions {
  /** Host name or address alone, such as `proxy.example.net`. */
  readonly hostname: string
  /** From 1 to 65535. */
  readonly port: number
  /** For the proxy's Basic authentication; sent with each tunnel. No colon. Default: none. */
  readonly username?: string | undefined
  /** Only beside `username`. Default: empty. */
  readonly password?: string | undefined
}

const httpProxyOptionNames: ReadonlySet<string> = new Set<keyof HttpProxyOptions>([
  'hostname',
  'port',
  'username',
  'password',
])

/** No message here tells a value: whoever puts a whole URL in the wrong place has a password in it. */
export function parseHttpProxy(proxy: HttpProxyOptions | undefined): HttpProxyOptions | undefined {
  if (proxy === undefined) return undefined
  refuseUnknownOptions('httpProxy', proxy, httpProxyOptionNames)
  const { port, username, password } = proxy
  const hostname = typeof proxy.hostname === 'string' ? proxy.hostname.replace(/^\[(.*:.*)\]$/, '$1') : ''
  if (!/^(?:[^\s:/?#@[\]\\]+|[\da-f.]*:[\da-f:.]+)$/i.test(hostname)) {
    throw new TypeError(
      "httpProxy.hostname must be a host name or address alone, such as 'proxy.example.net': no scheme, port or user.",
    )
  }
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new RangeError('httpProxy.port must be a whole number from 1 to 65535.')
  }
  // RFC 7617: a colon ends the user's name, and neither part has control characters.
  const isText = (text: unknown) => typeof text === 'string' && !/\p{Cc}/u.test(text)
  if (username !== undefined && (!isText(username) || username === '' || username.includes(':'))) {
    throw new TypeError('httpProxy.username must be text without a colon or control characters, and not empty.')
  }
  if (password !== undefined && (!isText(password) || username === undefined)) {
    throw new TypeError('httpProxy.password must be text without control characters, beside httpProxy.username.')
  }
  return {
    hostname,
    port,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  }
}
