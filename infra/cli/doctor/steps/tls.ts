import { isIP, type Socket } from 'node:net'
import { checkServerIdentity, connect, type TLSSocket } from 'node:tls'
import { openTunnel } from '../../../../core/amqp/proxy.js'
import { type CertificateFacts, certificateFacts } from '../certificate.js'
import { attempt } from '../sockets.js'
import { type Finding, failed, notUsed, ok, type Step } from '../step.js'
import { codeOf, messageOf, spanOf, timeOf } from '../text.js'
import { explainHandshake, explainVerdict } from '../tls-verdict.js'
import type { Visit } from '../visit.js'

/** Which certificate the server shows, and whether it can be trusted. */
export const tls: Step = {
  id: 'tls',
  needs: ['tcp', 'proxy'],
  limitInMs: 8000,
  async run(visit, { signal }) {
    if (!visit.target.isTls) return notUsed('In the clear: UseDevelopmentEmulator=true')
    const beneath = await openSocket(visit, signal)
    const startedAt = visit.seams.clock.monotonicNow()
    let secured: TLSSocket
    try {
      secured = await handshake(visit, beneath, signal)
    } catch (error) {
      signal.throwIfAborted()
      return explainHandshake(visit, codeOf(error), messageOf(error))
    }
    const tookInMs = visit.seams.clock.monotonicNow() - startedAt
    const finding = judge(visit, secured, tookInMs)
    secured.destroy()
    return finding
  },
  timedOut: (visit) =>
    failed('tls-timeout', `${visit.target.authority} takes the connection and says nothing to TLS`, [
      'Something between holds the connection, or the port is not one of TLS. Check host and port.',
    ]),
}

async function openSocket(visit: Visit, signal: AbortSignal): Promise<Socket> {
  const { place, target, context, seams } = visit
  if (place.httpProxy) return openTunnel(place.httpProxy, target, context, signal)
  const made = await attempt(seams.connect(target.hostname, target.port), seams.clock, 5000, signal)
  signal.throwIfAborted()
  if (made.kind === 'open') return made.socket
  throw new Error(`The port was open a moment ago, and is no more (${codeOf(made.error) || made.kind}).`)
}

/**
 * The handshake, up to the end even where the certificate is not to be trusted: only so can it be looked at. Nothing is
 * sent over this socket, and what was found is judged by Node's own verification, which is not switched off but asked
 * for its verdict.
 */
function handshake(visit: Visit, beneath: Socket, signal: AbortSignal): Promise<TLSSocket> {
  const { hostname } = visit.target
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...(isIP(hostname) ? {} : { servername: hostname }),
      ...(visit.context.options.tls as object | undefined),
      host: hostname,
      socket: beneath,
      rejectUnauthorized: false,
    })
    const onAbort = () => socket.destroy()
    signal.addEventListener('abort', onAbort)
    socket.once('secureConnect', () => {
      signal.removeEventListener('abort', onAbort)
      resolve(socket)
    })
    socket.on('error', reject)
    socket.on('close', () =>
      reject(Object.assign(new Error('The server closed the connection.'), { code: 'ECONNRESET' })),
    )
  })
}

function judge(visit: Visit, socket: TLSSocket, tookInMs: number): Finding {
  const peer = socket.getPeerCertificate(true)
  const facts = certificateFacts(peer)
  const details = { ...detailsOf(visit, socket, facts), handshakeInMs: Math.round(tookInMs) }
  if (!socket.authorized) {
    return explainVerdict(visit, String(socket.authorizationError ?? ''), facts, details)
  }
  // Where the chain was good, Node has checked the name as well; a resumed session would not have been.
  const servername = visit.context.options.tls?.servername ?? visit.target.hostname
  const mismatch = facts && checkServerIdentity(servername, peer)
  if (mismatch) return explainVerdict(visit, 'ERR_TLS_CERT_ALTNAME_INVALID', facts, details)
  const left = facts ? `, good for ${spanOf(facts.validTo - visit.seams.clock.wallNow())}` : ''
  return ok(`${socket.getProtocol() ?? 'TLS'}; certificate by ${facts?.issuer ?? 'nobody'}${left}`, details)
}

function detailsOf(visit: Visit, socket: TLSSocket, facts: CertificateFacts | undefined) {
  const known = {
    protocol: socket.getProtocol() ?? null,
    cipher: socket.getCipher()?.name ?? null,
  }
  if (!facts) return known
  return {
    ...known,
    subject: facts.subject,
    issuer: facts.issuer,
    names: facts.names,
    validFrom: timeOf(facts.validFrom),
    validTo: timeOf(facts.validTo),
    daysLeft: Math.floor((facts.validTo - visit.seams.clock.wallNow()) / 86_400_000),
    chain: facts.chain,
  }
}
