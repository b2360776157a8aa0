import { type EventHubError, toEventHubError } from '../../../../core/errors.js'
import { openConnection } from '../open.js'
import { explainRefusal } from '../refusal.js'
import { type Finding, failed, notUsed, ok, type Step } from '../step.js'
import { messageOf, quoted } from '../text.js'
import type { Visit } from '../visit.js'

/** Whether AMQP is spoken there, and whether its first word is accepted: the claims come later. */
export const sasl: Step = {
  id: 'sasl',
  needs: ['tls', 'token', 'websocket'],
  limitInMs: 8000,
  async run(visit, { signal }) {
    if (visit.place.transportType === 'https') return notUsed('HTTPS needs none')
    const connection = openConnection(visit)
    try {
      const { offered, chosen } = await connection.mechanisms
      await connection.opened
      const names = offered.map(quoted)
      const container = quoted(connection.peerContainerId ?? '')
      return ok(`${chosen ?? 'SASL'} of ${names.join(', ')} is accepted, and AMQP is open`, {
        mechanisms: names,
        container,
      })
    } catch (thrown) {
      signal.throwIfAborted()
      return explain(visit, toEventHubError(thrown))
    }
  },
  timedOut: ({ target }) =>
    failed('amqp-silent', `${target.authority} takes the connection and says nothing to AMQP`, [
      'Something listens there that is not Event Hubs, or it hangs. Check host and port; try again.',
    ]),
}

function explain(visit: Visit, error: EventHubError): Finding {
  const where = visit.target.authority
  const details = { condition: error.condition ?? null }
  if (error.code === 'protocol-error') {
    const advice = [
      'Check host and port: something else listens there.',
      ...(visit.place.development
        ? [
            'UseDevelopmentEmulator=true means AMQP without TLS. The hub’s HTTP port is for --transport https and amqpOverWebSocket.',
          ]
        : []),
    ]
    return failed('not-amqp', `${where} does not speak AMQP`, advice, details)
  }
  if (/mechanism/i.test(error.message)) {
    return failed(
      'sasl-no-mechanism',
      `${where} offers no mechanism that is known here: ${messageOf(error)}`,
      ['Event Hubs offers ANONYMOUS and MSSBCBS: check host and port.'],
      details,
    )
  }
  // The credential has not been shown by now, so nothing is wrong with it.
  if (/failed to authenticate/i.test(error.message)) {
    return failed(
      'sasl-refused',
      `${where} does not let anybody begin without a password`,
      ['Event Hubs lets everybody begin, and asks for claims later: check host and port.'],
      details,
    )
  }
  if (error.condition?.includes(':')) {
    return explainRefusal(visit, { condition: error.condition, description: error.message })
  }
  return failed(
    'amqp-closed',
    `${where} closed the connection before AMQP was open`,
    ['Check host and port. Event Hubs also closes what a namespace’s network rules do not let in.'],
    details,
  )
}
