import type { IncomingMessage } from 'node:http'

/*
 * Whoever can use the page can send to the hub and break it. So it answers this machine alone, and of the browsers on it
 * only its own page: a site that is open in another tab can neither read it nor act through it.
 */

/** Why a request must not be served; undefined where it may. */
export interface Refusal {
  readonly status: number
  readonly message: string
}

/** Sent with everything. Styles and scripts come from files, never from the document: nothing injected can run. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
}

export function refuse(request: IncomingMessage): Refusal | undefined {
  const { host, origin } = request.headers
  const ownAddress = plainAddress(request.socket.localAddress)
  const callerAddress = plainAddress(request.socket.remoteAddress)
  // From this machine to an address of its own, loopback or not, both ends are one.
  if (!isLoopback(callerAddress) && (callerAddress === '' || callerAddress !== ownAddress)) {
    return { status: 403, message: 'The page of the local hub answers on its own machine only.' }
  }
  // A name that somebody else's DNS server points here (DNS rebinding) is not one of these.
  if (host === undefined || !isOwnName(host, ownAddress)) {
    return { status: 403, message: 'Open the page as http://localhost or http://127.0.0.1, with its port.' }
  }
  const site = request.headers['sec-fetch-site']
  const isPage = request.method === 'GET' && request.headers['sec-fetch-mode'] === 'navigate'
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !isPage) {
    return { status: 403, message: 'Another site asked for this.' }
  }
  if (request.method !== 'POST') return undefined
  if (origin === undefined || !isOwnOrigin(origin, host)) {
    return { status: 403, message: 'POST is for the page itself: the Origin header must be its own.' }
  }
  if (request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() !== 'application/json') {
    return { status: 415, message: 'Send JSON, with Content-Type: application/json.' }
  }
  return undefined
}

/** As it is without IPv6 around it. */
function plainAddress(address = ''): string {
  return address.replace(/^::ffff:(?=\d{1,3}(\.\d{1,3}){3}$)/, '')
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^127(\.\d{1,3}){3}$/.test(address)
}

/** Of a Host header, its port left aside: a loopback name, or the very address that was connected to. */
function isOwnName(host: string, ownAddress: string): boolean {
  const name = host.toLowerCase().replace(/:\d{1,5}$/, '')
  const address = name.replace(/^\[(.*)\]$/, '$1')
  return name === 'localhost' || isLoopback(address) || (address !== '' && address === ownAddress)
}

function isOwnOrigin(origin: string, host: string): boolean {
  return [`http://${host}`, `https://${host}`].some((own) => own.toLowerCase() === origin.toLowerCase())
}
