import type { CertificateFacts } from './certificate.js'
import { type Finding, failed } from './step.js'
import { spanOf, timeOf } from './text.js'
import type { Visit } from './visit.js'

type Details = NonNullable<Finding['details']>

const trustIt =
  'To trust it, save its certificate as PEM and name the file: NODE_EXTRA_CA_CERTS=/path/ca.pem for all of Node, or --ca-file here and tls: { ca } in code.'

/** OpenSSL's verdict on a certificate, and what to do about it. Verification is never to be switched off. */
export function explainVerdict(
  visit: Visit,
  verdict: string,
  facts: CertificateFacts | undefined,
  given: Details,
): Finding {
  const details = { ...given, verdict }
  const now = visit.seams.clock.wallNow()
  const issuer = facts?.issuer ?? 'an unknown authority'
  switch (verdict) {
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return failed('certificate-name', nameSummary(visit, facts), nameAdvice(visit, facts), details)
    case 'CERT_HAS_EXPIRED': {
      const ago = facts ? ` ${spanOf(now - facts.validTo)} ago, on ${timeOf(facts.validTo)}` : ''
      return failed('certificate-expired', `The certificate expired${ago}`, expiredAdvice(visit), details)
    }
    case 'CERT_NOT_YET_VALID': {
      const from = facts ? `: only from ${timeOf(facts.validFrom)}` : ''
      const advice = [`This machine's clock says ${timeOf(now)}. If that is wrong, set the clock.`]
      return failed('certificate-not-yet-valid', `The certificate is not valid yet${from}`, advice, details)
    }
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return failed(
        'certificate-self-signed',
        `The certificate is self-signed: ${facts?.subject ?? 'nobody'} vouches for itself`,
        [`If this is a server of your own: ${lowered(trustIt)}`, ...inspection(visit)],
        details,
      )
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'CERT_UNTRUSTED':
      return failed(
        'certificate-unknown-authority',
        `The certificate is by ${issuer}, an authority that is not trusted here`,
        [
          `If this is an authority of your own, or of a proxy that inspects TLS: ${lowered(trustIt)}`,
          ...inspection(visit),
        ],
        details,
      )
    default:
      return failed(
        'certificate-refused',
        `The certificate is not to be trusted (${verdict || 'no reason given'})`,
        ['Whoever runs the server must mend its certificate.', ...inspection(visit)],
        details,
      )
  }
}

function nameSummary({ target }: Visit, facts: CertificateFacts | undefined): string {
  const names = facts?.names.slice(0, 5).join(', ') || facts?.subject || 'nobody'
  return `The certificate is not for ${target.hostname}, but for ${names}`
}

function nameAdvice({ place }: Visit, facts: CertificateFacts | undefined): string[] {
  const [name] = facts?.names ?? []
  const advice = ['Check the host: another server answers there, or a proxy that inspects TLS.']
  if (place.endpoint && name) {
    advice.push(
      `If this endpoint is right, connect to it by a name of the certificate; in code, tls: { servername: '${name}' } says which name to expect.`,
    )
  }
  return advice
}

function expiredAdvice({ seams }: Visit): string[] {
  return [
    'Whoever runs the server must renew its certificate.',
    `If this machine's clock, ${timeOf(seams.clock.wallNow())}, is wrong: set the clock.`,
  ]
}

/** Event Hubs itself has certificates that every machine trusts. */
function inspection({ target }: Visit): string[] {
  if (!/\.servicebus\.(?:windows\.net|usgovcloudapi\.net|chinacloudapi\.cn)$/i.test(target.hostname)) return []
  return [
    "Event Hubs' own certificates are trusted everywhere: something between here and the service opens TLS. Ask whoever runs this network for its authority's certificate.",
  ]
}

/** A handshake that broke off. */
export function explainHandshake({ target }: Visit, code: string, message: string): Finding {
  const details = { error: code || message }
  const where = target.authority
  if (
    /WRONG_VERSION_NUMBER|PACKET_LENGTH|HTTP_REQUEST|UNKNOWN_PROTOCOL|BAD_RECORD_TYPE/.test(
      `${code} ${message}`.toUpperCase().replace(/ /g, '_'),
    )
  ) {
    return failed(
      'not-tls',
      `${where} does not speak TLS`,
      [
        'Check host and port. A hub for development, without TLS, needs UseDevelopmentEmulator=true in its connection string.',
      ],
      details,
    )
  }
  if (/UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|NO_PROTOCOLS/.test(code)) {
    return failed(
      'tls-version',
      `${where} and this machine have no version of TLS in common`,
      ["Event Hubs takes TLS 1.2 and newer: check the namespace's minimum version, and what stands between."],
      details,
    )
  }
  if (/CERTIFICATE_REQUIRED|BAD_CERTIFICATE/.test(code)) {
    return failed(
      'client-certificate',
      `${where} asks for a certificate of the client's`,
      ['Event Hubs does not: a gateway between does. In code, tls: { cert, key } gives one.'],
      details,
    )
  }
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    return failed(
      'tls-closed',
      `${where} closed the connection in the middle of the handshake`,
      ['A firewall that looks at names may have cut it, or the port is not one of TLS. Check host and port.'],
      details,
    )
  }
  return failed(
    'tls-failed',
    `TLS with ${where} failed: ${message}`,
    ['Check host, port, and what stands between.'],
    details,
  )
}

function lowered(sentence: string): string {
  return `${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}`
}
