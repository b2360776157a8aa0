import type { DetailedPeerCertificate } from 'node:tls'
import { printable } from '../printable.js'

/** What a server's certificate says, as far as people need it. */
export interface CertificateFacts {
  readonly subject: string
  readonly issuer: string
  /** DNS names and addresses that it is good for. */
  readonly names: readonly string[]
  /** Milliseconds since the Unix epoch. */
  readonly validFrom: number
  readonly validTo: number
  /** From the server's own to the last one that was shown, or that Node knew. */
  readonly chain: readonly string[]
}

/** No server shows more; the last one may name itself as its issuer. */
const longestChain = 10

/** Undefined when the server showed none. */
export function certificateFacts(certificate: DetailedPeerCertificate | undefined): CertificateFacts | undefined {
  if (!certificate?.valid_to) return undefined
  return {
    subject: nameOf(certificate.subject),
    issuer: nameOf(certificate.issuer),
    names: namesIn(certificate),
    validFrom: Date.parse(certificate.valid_from),
    validTo: Date.parse(certificate.valid_to),
    chain: chainOf(certificate),
  }
}

function chainOf(leaf: DetailedPeerCertificate): string[] {
  const chain: string[] = []
  let at: DetailedPeerCertificate | undefined = leaf
  for (let seen = ''; at?.fingerprint256 && at.fingerprint256 !== seen && chain.length < longestChain; ) {
    chain.push(nameOf(at.subject))
    seen = at.fingerprint256
    at = at.issuerCertificate
  }
  return chain
}

function nameOf(name: DetailedPeerCertificate['subject'] | undefined): string {
  const { CN, O } = (name ?? {}) as { CN?: string | string[]; O?: string | string[] }
  const parts = [CN, O].flatMap((part) => (part === undefined ? [] : [part].flat()))
  return printable(parts.join(', ')) || 'nameless'
}

function namesIn({ subjectaltname = '' }: DetailedPeerCertificate): string[] {
  return subjectaltname
    .split(', ')
    .filter((entry) => entry !== '')
    .map((entry) => printable(entry.replace(/^(?:DNS|IP Address):/, '')))
}
