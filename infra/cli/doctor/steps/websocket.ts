import { toEventHubError } from '../../../../core/errors.js'
import { openConnection } from '../open.js'
import { failed, notUsed, ok, type Step } from '../step.js'
import { codeOf, messageOf } from '../text.js'
import { notHttp } from './claims.js'

/** Whether the server takes AMQP in the messages of a WebSocket. */
export const websocket: Step = {
  id: 'websocket',
  needs: ['tls', 'token'],
  limitInMs: 8000,
  async run(visit, { signal }) {
    if (visit.place.transportType !== 'amqpOverWebSocket') return notUsed('Not in use')
    const where = visit.target.authority
    try {
      await openConnection(visit).wireOpen
      return ok(`${where} opens a WebSocket for AMQP`)
    } catch (thrown) {
      signal.throwIfAborted()
      const error = toEventHubError(thrown)
      const details = { condition: error.condition ?? null }
      if (error.code === 'not-supported') {
        return failed('package-missing', 'The package ws is not installed', ['Run: npm install ws'], details)
      }
      if (codeOf(error.cause).startsWith('HPE_')) return notHttp(visit)
      if (/^\d{3}$/.test(error.condition ?? '')) {
        return failed(
          'websocket-refused',
          `${where} refuses the WebSocket (${error.condition})`,
          [
            "Check host and port. A gateway or proxy between may not let WebSockets through; the namespace's network rules may refuse this address.",
          ],
          details,
        )
      }
      return failed('websocket-failed', `The WebSocket did not open: ${messageOf(error)}`, [
        'Check host and port, and whether what stands between lets WebSockets through.',
      ])
    }
  },
  timedOut: ({ target }) =>
    failed('websocket-timeout', `${target.authority} does not answer the request for a WebSocket`, [
      'What stands between may swallow WebSockets: try --transport https.',
    ]),
}
