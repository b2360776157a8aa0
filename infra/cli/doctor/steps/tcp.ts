import { authorityOf } from '../../../../core/amqp/socket.js'
import { type Attempt, attempt } from '../sockets.js'
import { type Finding, failed, ok, type Step } from '../step.js'
import { codeOf, messageOf } from '../text.js'
import type { Visit } from '../visit.js'

const patienceInMs = 5000
/** For a look at another port. */
const shortPatienceInMs = 2500
const httpsPort = 443

/** Whether the port is open. */
export const tcp: Step = {
  id: 'tcp',
  needs: ['dns'],
  limitInMs: patienceInMs + shortPatienceInMs + 1000,
  async run(visit, { signal }) {
    const { hostname, port } = visit.firstHop
    const { clock, connect } = visit.seams
    const made = await attempt(connect(hostname, port), clock, patienceInMs, signal)
    signal.throwIfAborted()
    if (made.kind === 'open') {
      const { remoteAddress = hostname } = made.socket
      made.socket.destroy()
      const whom = visit.place.httpProxy ? 'The proxy' : 'Port'
      return ok(`${whom} ${authorityOf(remoteAddress, port)} is open`, { address: remoteAddress, port })
    }
    const isHttpsOpen = await looksOpen(visit, signal)
    signal.throwIfAborted()
    return explain(visit, made, isHttpsOpen)
  },
  timedOut: (visit) => explain(visit, { kind: 'silent', error: undefined }, false),
}

/** Whether 443 is open where AMQP's own port is not. */
async function looksOpen(visit: Visit, signal: AbortSignal): Promise<boolean> {
  const { place, target, seams } = visit
  if (place.transportType !== 'amqp' || place.development) return false
  const other = await attempt(seams.connect(target.hostname, httpsPort), seams.clock, shortPatienceInMs, signal)
  if (other.kind === 'open') other.socket.destroy()
  return other.kind === 'open'
}

function explain(visit: Visit, made: Exclude<Attempt, { kind: 'open' }>, isHttpsOpen: boolean): Finding {
  const { hostname, port } = visit.firstHop
  const where = authorityOf(hostname, port)
  const details = { port, ...(visit.place.transportType === 'amqp' ? { httpsOpen: isHttpsOpen } : {}) }
  const advice = adviceFor(visit, made, isHttpsOpen)
  switch (made.kind) {
    case 'refused':
      return failed('connection-refused', `${where} refuses connections: nothing listens there`, advice, details)
    case 'silent':
      return failed('connection-timeout', `No answer from ${where}: packets are dropped on the way`, advice, details)
    case 'unreachable':
      return failed('unreachable', `There is no way to ${where} (${codeOf(made.error)})`, advice, details)
    default:
      return failed('connection-failed', `${where} cannot be reached: ${messageOf(made.error)}`, advice, details)
  }
}

function adviceFor(visit: Visit, made: Attempt, isHttpsOpen: boolean): string[] {
  const { place, target, options } = visit
  if (place.httpProxy) return ["Check the proxy's host and port."]
  const advice: string[] = []
  if (isHttpsOpen) {
    advice.push(
      'Port 443 is open there: send over it, by --transport amqpOverWebSocket or --transport https (in code: transportType).',
    )
  }
  if (place.development) {
    advice.push(
      'Is the hub running? `sluice hub` starts one, and shows its connection string with the port. Its HTTP port is another.',
    )
    return advice
  }
  if (made.kind === 'silent')
    advice.push(`A firewall drops the packets: let outgoing connections to port ${target.port} pass.`)
  if (made.kind === 'refused') advice.push('Check host and port; a firewall may also refuse in the place of the host.')
  if (made.kind === 'unreachable')
    advice.push("Check this machine's network, its routes, and IPv6 where only that is used.")
  if (options.unusedProxy) {
    const transport = place.transportType === 'amqp' ? '--transport amqpOverWebSocket and ' : ''
    advice.push(`${options.unusedProxy} names a proxy, which is not used here: add ${transport}--http-proxy URL.`)
  }
  return advice
}
