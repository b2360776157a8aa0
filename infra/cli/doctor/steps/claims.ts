import { remainingTime } from '../../../../core/deadline.js'
import { EventHubError, toEventHubError } from '../../../../core/errors.js'
import { audienceOf } from '../../amqp/place.js'
import { isSuccess, putToken } from '../../amqp/put-token.js'
import { type HttpAnswer, openHttp } from '../http.js'
import { explainRefusal, refusedBy } from '../refusal.js'
import { type Finding, failed, ok, type Step, type StepLimits, warning } from '../step.js'
import { codeOf, messageOf } from '../text.js'
import type { Visit } from '../visit.js'

/** Whether the service accepts the token. */
export const claims: Step = {
  id: 'claims',
  needs: ['token', 'sasl'],
  limitInMs: 10_000,
  run: (visit, limits) => (visit.place.transportType === 'https' ? byHttps(visit, limits) : byAmqp(visit, limits)),
  timedOut: (visit) =>
    failed('claims-silent', `${visit.target.authority} does not answer the token`, [
      'The connection is open, and the service says nothing more: try again, and see whether it is well.',
    ]),
}

async function byAmqp(visit: Visit, limits: StepLimits): Promise<Finding> {
  const { connection, token } = visit
  if (!connection || !token) throw new EventHubError('There is no connection.', { code: 'unexpected' })
  visit.session = connection.beginSession()
  visit.cbs = connection.openNode(visit.session, '$cbs')
  const audience = audienceOf(visit.place)
  try {
    const answer = await putToken(visit.cbs, audience, token, limits)
    if (!isSuccess(answer)) return refusedBy(visit, answer)
    return ok(`The service accepts the token for ${audience}`, { status: answer.statusCode })
  } catch (thrown) {
    limits.signal.throwIfAborted()
    return lost(visit, toEventHubError(thrown))
  }
}

/** Something answered that is no HTTP server. */
export function notHttp({ place, target }: Visit): Finding {
  const advice = ['Check host and port: something else listens there.']
  if (place.development) {
    advice.push(
      "The port in the connection string is the hub's for AMQP. Give its HTTP port, which `sluice hub` shows: --endpoint HOST:PORT.",
    )
  }
  return failed('not-http', `${target.authority} does not speak HTTP`, advice)
}

/** The connection, or its link, came to an end instead of an answer. */
export function lost(visit: Visit, error: EventHubError): Finding {
  if (error.code === 'timeout') throw error
  if (codeOf(error.cause).startsWith('HPE_')) return notHttp(visit)
  if (error.condition?.includes(':')) {
    return explainRefusal(visit, { condition: error.condition, description: error.message })
  }
  return failed('connection-lost', `The connection ended: ${messageOf(error)}`, [
    'Try again. If it stays so, something between cuts connections off.',
  ])
}

/**
 * Over HTTPS there is no way to ask without sending. What is sent is a batch of no events: it shows the token, and
 * stores nothing whether it is taken or refused as empty.
 */
async function byHttps(visit: Visit, limits: StepLimits): Promise<Finding> {
  const { clock } = visit.seams
  const seconds = Math.max(1, Math.ceil(remainingTime(clock, limits.deadline) / 1000))
  const path = `/${encodeURIComponent(visit.place.eventHubName)}/messages?timeout=${seconds}&api-version=2014-01`
  try {
    const answer = await postNothing(visit, path, limits.signal)
    visit.rest = answer
    const details = { status: answer.status }
    const taken = takenBy(visit, answer, `The service accepts the token for ${audienceOf(visit.place)}`)
    if (taken) return taken
    // What is not found was allowed to be looked for: the next step says so.
    if (answer.status === 404 || answer.status === 410) return ok('The service accepts the token', details)
    return explainRefusal(visit, { status: answer.status, description: detailIn(answer.text) })
  } catch (error) {
    limits.signal.throwIfAborted()
    return lost(visit, toEventHubError(error))
  }
}

/**
 * What it means that a batch of no events was let in; undefined: it was not. A page of a proxy, or a web server that knows
 * nothing of events, answers with 200 or 400, too.
 */
export function takenBy(visit: Visit, { status, text }: HttpAnswer, summary: string): Finding | undefined {
  if (status === 201) return ok(summary, { status })
  const { authority } = visit.target
  const advice = [
    'Check the namespace and --endpoint, and whether a proxy or a gateway in between answers in place of the service.',
  ]
  if (status === 200 || status === 202) {
    return failed('not-event-hubs', `${authority} answers with ${status}, as Event Hubs never does`, advice, { status })
  }
  if (status !== 400) return undefined
  // The service has let the token pass, and will not have an empty batch.
  if (/<Code>\s*400/i.test(text)) return ok(summary, { status })
  return warning('not-event-hubs', `${authority} answers with 400, in other words than Event Hubs`, advice, { status })
}

export async function postNothing(visit: Visit, path: string, signal: AbortSignal) {
  const { token } = visit
  if (!token) throw new EventHubError('There is no token.', { code: 'unexpected' })
  const way = await openHttp(visit.context, visit.target, signal)
  try {
    return await way.ask({
      method: 'POST',
      path,
      headers: {
        authorization: token.type === 'jwt' ? `Bearer ${token.token}` : token.token,
        'content-type': 'application/vnd.microsoft.servicebus.json',
      },
      body: '[]',
    })
  } finally {
    way.close()
  }
}

/** The sentence in `<Error><Code>401</Code><Detail>…</Detail></Error>`. */
export function detailIn(xml: string): string {
  const detail = /<Detail>([\s\S]*?)<\/Detail>/i.exec(xml)?.[1]
  return detail === undefined
    ? ''
    : detail.replace(/&#(\d{1,7});/g, (_, code) => String.fromCodePoint(Number(code) % 0x110000))
}
