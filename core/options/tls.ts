import { kindOf, oneOf, refuseUnknownOptions } from './checks.js'

/** PEM text, or the bytes of it. */
export type Pem = string | Uint8Array

/** Versions of TLS, as `minVersion` and `maxVersion` name them. */
export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'

/**
 * How TLS is done, in Node: handed to `tls.connect` as it is, after a check. The names are those of Node's
 * `SecureContextOptions`, where each is explained; they are spelled out here so that these types need no other
 * package's. The server's certificate is always verified.
 */
export interface TlsOptions {
  /**
   * The authorities to trust, in place of the system's: certificates, not the path of their file. For a private
   * authority: `ca: readFileSync('ca.pem')`. Default: Node's own (and NODE_EXTRA_CA_CERTS).
   */
  readonly ca?: Pem | readonly Pem[] | undefined
  /** The name that the server's certificate must have. Default: the host that is connected to. */
  readonly servername?: string | undefined
  /** A certificate of the client's own, with its chain; needs `key`. Default: none. */
  readonly cert?: Pem | readonly Pem[] | undefined
  /** The private key of `cert`. Default: none. */
  readonly key?: Pem | readonly Pem[] | undefined
  /** Opens `key` or `pfx`, where it is encrypted. Default: none. */
  readonly passphrase?: string | undefined
  /** Certificate and key in one, as the bytes of a PKCS #12 file; in place of `cert` and `key`. Default: none. */
  readonly pfx?: Uint8Array | readonly Uint8Array[] | undefined
  /** Lists of certificates that were revoked. Default: none. */
  readonly crl?: Pem | readonly Pem[] | undefined
  /** Oldest version to accept. Default: Node's, which is `TLSv1.2`. */
  readonly minVersion?: TlsVersion | undefined
  /** Newest version to offer. Default: Node's, which is `TLSv1.3`. */
  readonly maxVersion?: TlsVersion | undefined
  /** Cipher suites, in OpenSSL's notation. Default: Node's. */
  readonly ciphers?: string | undefined
  /** Signature algorithms, separated by colons. Default: OpenSSL's. */
  readonly sigalgs?: string | undefined
  /** Curves of the key agreement, separated by colons. Default: Node's. */
  readonly ecdhCurve?: string | undefined
  /** Smallest Diffie-Hellman group to accept, in bits. Default: Node's, which is 1024. */
  readonly minDHSize?: number | undefined
  /** OpenSSL's SSL_OP flags, from `node:crypto`'s `constants`. Default: Node's. */
  readonly secureOptions?: number | undefined
  /** What `tls.createSecureContext` made, in place of the fields that it was made from. Default: none. */
  readonly secureContext?: object | undefined
  /** Trust a certificate in `ca` that is no root (Node 22 and newer). Default: false. */
  readonly allowPartialTrustChain?: boolean | undefined
  /** Verification cannot be switched off: `true`, its default, is the only value. */
  readonly rejectUnauthorized?: true | undefined
}

const tlsOptionNames: ReadonlySet<string> = new Set<keyof TlsOptions>([
  'ca',
  'servername',
  'cert',
  'key',
  'passphrase',
  'pfx',
  'crl',
  'minVersion',
  'maxVersion',
  'ciphers',
  'sigalgs',
  'ecdhCurve',
  'minDHSize',
  'secureOptions',
  'secureContext',
  'allowPartialTrustChain',
  'rejectUnauthorized',
])

/** Fields of Node's `tls.connect` that are not ours to hand on, with what to do instead. */
const refusals: ReadonlyMap<string, string> = new Map([
  ...['host', 'port', 'path', 'socket', 'lookup'].map(
    (name) => [name, 'is not part of how TLS is done. To connect elsewhere, pass customEndpointAddress.'] as const,
  ),
  [
    'checkServerIdentity',
    "cannot be replaced. Where the certificate's name differs from the host's, pass that name as tls.servername.",
  ],
  ['pskCallback', 'is not supported: a shared key would take the place of the verification of certificates.'],
  ['secureProtocol', 'is not supported. Pass tls.minVersion and tls.maxVersion.'],
])

const versions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const

/** Checks and copies. No message here tells a value: they are keys and passphrases. */
export function parseTls(tls: TlsOptions | undefined): TlsOptions | undefined {
  if (tls === undefined) return undefined
  if (typeof tls === 'object' && tls !== null) {
    for (const [name, reason] of refusals) {
      if (name in tls) throw new TypeError(`tls.${name} ${reason}`)
    }
  }
  refuseUnknownOptions('tls', tls, tlsOptionNames)
  if (tls.rejectUnauthorized !== undefined && tls.rejectUnauthorized !== true) {
    throw new TypeError(
      'tls.rejectUnauthorized cannot be switched off. To trust a private authority, pass its certificate as tls.ca, such as readFileSync("ca.pem").',
    )
  }
  for (const name of ['ca', 'cert', 'key', 'crl'] as const) assertIsPem(name, tls[name])
  for (const part of partsOf(tls.pfx)) {
    if (!(part instanceof Uint8Array)) {
      throw new TypeError(
        `tls.pfx must be the bytes of a PKCS #12 file (read the file first); received ${kindOf(part)}.`,
      )
    }
  }
  for (const name of ['servername', 'passphrase', 'ciphers', 'sigalgs', 'ecdhCurve'] as const) {
    const value: unknown = tls[name]
    if (value !== undefined && typeof value !== 'string') {
      throw new TypeError(`tls.${name} must be a string; received ${kindOf(value)}.`)
    }
  }
  for (const name of ['minVersion', 'maxVersion'] as const) {
    if (tls[name] !== undefined) oneOf(`tls.${name}`, tls[name], versions)
  }
  // What is undefined would otherwise take the place of a default of ours, such as the server's name.
  return Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined))
}

/** Node skips what is no PEM without a word, and the handshake fails later; the path of a file is the usual slip. */
function assertIsPem(name: string, value: Pem | readonly Pem[] | undefined): void {
  for (const part of partsOf(value)) {
    if (typeof part !== 'string' && !(part instanceof Uint8Array)) {
      throw new TypeError(`tls.${name} must be PEM text or its bytes, or a list of these; received ${kindOf(part)}.`)
    }
    if (!isPem(part)) {
      throw new TypeError(
        `tls.${name} must hold PEM itself, which has a line such as "-----BEGIN CERTIFICATE-----"; received ${kindOf(part)} without one. Of a file, pass what is in it: readFileSync(path).`,
      )
    }
  }
}

function partsOf(value: unknown): readonly unknown[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value]
}

function isPem(part: string | Uint8Array): boolean {
  return /-----BEGIN /.test(typeof part === 'string' ? part : new TextDecoder('latin1').decode(part))
}
