import { createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'

export interface Certificate {
  /** PEM. */
  readonly key: string
  /** PEM. */
  readonly cert: string
}

export interface PrivateAuthority {
  /** The authority's own certificate, in PEM: what a client is to trust. */
  readonly ca: string
  /** A server's certificate for these DNS names, signed by the authority. */
  issue(dnsNames: readonly string[], validity?: Validity): Certificate
}

/** Days from now, negative for the past. */
export interface Validity {
  readonly fromDay: number
  readonly toDay: number
}

/** A certificate authority that lives as long as the test, made with nothing but node:crypto (RFC 5280). */
export function createPrivateAuthority(commonName: string): PrivateAuthority {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const isAuthority = extension('551d13', der(0x30, der(0x01, Buffer.from([0xff]))))
  const ca = sign({ subject: commonName, issuer: commonName, publicKey, signer: privateKey, extension: isAuthority })
  return {
    ca,
    issue(dnsNames, validity) {
      const server = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const names = dnsNames.map((name) => der(0x82, Buffer.from(name)))
      const cert = sign({
        subject: dnsNames[0] ?? 'nameless',
        issuer: commonName,
        publicKey: server.publicKey,
        signer: privateKey,
        extension: extension('551d11', der(0x30, ...names)),
        validity,
      })
      return { key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert }
    },
  }
}

interface ToBeSigned {
  readonly subject: string
  readonly issuer: string
  readonly publicKey: KeyObject
  readonly signer: KeyObject
  readonly extension: Buffer
  readonly validity?: Validity | undefined
}

const ecdsaWithSha256 = der(0x30, objectIdentifier('2a8648ce3d040302'))

const aDayAround: Validity = { fromDay: -1, toDay: 1 }

function sign({ subject, issuer, publicKey, signer, extension: only, validity = aDayAround }: ToBeSigned): string {
  const day = (count: number) => utcTime(Date.now() + count * 86_400_000)
  const content = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1]), randomBytes(8)),
    ecdsaWithSha256,
    distinguishedName(issuer),
    der(0x30, day(validity.fromDay), day(validity.toDay)),
    distinguishedName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(0x30, only)),
  )
  const signature = createSign('sha256').update(content).sign(signer)
  const certificate = der(0x30, content, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature))
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}

function distinguishedName(commonName: string): Buffer {
  return der(0x30, der(0x31, der(0x30, objectIdentifier('550403'), der(0x0c, Buffer.from(commonName)))))
}

function extension(id: string, value: Buffer): Buffer {
  return der(0x30, objectIdentifier(id), der(0x04, value))
}

function objectIdentifier(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'))
}

function utcTime(milliseconds: number): Buffer {
  const digits = new Date(milliseconds).toISOString().replace(/\D/g, '')
  return der(0x17, Buffer.from(`${digits.slice(2, 14)}Z`))
}

/** A value with its tag and its length. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
