import type { Response } from '../../../../core/amqp/request-response-link.js'
import { EventHubError, toEventHubError } from '../../../../core/errors.js'
import { describeEntity, partitionIdsIn } from '../../amqp/management.js'
import { audienceOf } from '../../amqp/place.js'
import { isSuccess, putToken } from '../../amqp/put-token.js'
import { explainRefusal, refusedBy } from '../refusal.js'
import { type Finding, failed, ok, type Step, type StepLimits } from '../step.js'
import { quoted } from '../text.js'
import type { Visit } from '../visit.js'
import { detailIn, lost } from './claims.js'

/** Whether the event hub exists, and which partitions it has. */
export const hub: Step = {
  id: 'hub',
  needs: ['claims'],
  limitInMs: 10_000,
  run: async (visit, limits) => (visit.place.transportType === 'https' ? byHttps(visit) : byAmqp(visit, limits)),
  timedOut: (visit) =>
    failed('hub-silent', `${visit.target.authority} does not answer about the event hub`, ['Try again in a minute.']),
}

async function byAmqp(visit: Visit, limits: StepLimits): Promise<Finding> {
  const { connection, session, token, cbs } = visit
  if (!connection || !session || !token || !cbs) {
    throw new EventHubError('There is no connection.', { code: 'unexpected' })
  }
  const { eventHubName } = visit.place
  try {
    // As the client does it: each address is claimed by itself.
    const claim = await putToken(cbs, `${audienceOf(visit.place)}/$management`, token, limits)
    if (!isSuccess(claim)) return refusedBy(visit, claim)
    const answer = await describeEntity(connection.openNode(session, '$management'), { eventHubName }, token, limits)
    return isSuccess(answer) ? describe(visit, answer) : refusedBy(visit, answer)
  } catch (thrown) {
    limits.signal.throwIfAborted()
    return lost(visit, toEventHubError(thrown))
  }
}

function describe(visit: Visit, answer: Response): Finding {
  const ids = partitionIdsIn(answer)
  if (!ids) {
    const advice = ['Check host and port: this is no Event Hubs.']
    return failed('not-event-hubs', 'The service describes the event hub without partitions', advice)
  }
  visit.partitionIds = ids
  const count = `${ids.length} partition${ids.length === 1 ? '' : 's'}`
  const list = ids.length > 8 ? `${ids.slice(0, 3).join(', ')} … ${ids.at(-1)}` : ids.join(', ')
  return ok(`The event hub '${quoted(visit.place.eventHubName)}' has ${count}: ${quoted(list)}`, {
    partitionCount: ids.length,
    partitionIds: ids.map(quoted),
  })
}

function byHttps(visit: Visit): Finding {
  const { status = 0, text = '' } = visit.rest ?? {}
  if (status === 404 || status === 410) return explainRefusal(visit, { status, description: detailIn(text) })
  return ok(
    `The event hub '${quoted(visit.place.eventHubName)}' is there; how many partitions it has is not told over HTTPS`,
  )
}
