import { remainingTime } from '../../../../core/deadline.js'
import { EventHubError, toEventHubError } from '../../../../core/errors.js'
import { audienceOf } from '../../amqp/place.js'
import { isSuccess, putToken } from '../../amqp/put-token.js'
import { attachSender } from '../attach-sender.js'
import { explainRefusal, refusedBy } from '../refusal.js'
import { type Finding, failed, notUsed, ok, type Step, type StepLimits } from '../step.js'
import { quoted } from '../text.js'
import type { Visit } from '../visit.js'
import { detailIn, lost, postNothing, takenBy } from './claims.js'

/** So many links at a time; the largest event hubs have a thousand partitions. */
const linksAtATime = 16

/** Whether events may be sent: a link for them is opened, and nothing is sent over it. */
export const partition: Step = {
  id: 'partition',
  needs: ['hub'],
  limitInMs: 20_000,
  run: (visit, limits) => (visit.place.transportType === 'https' ? byHttps(visit, limits) : byAmqp(visit, limits)),
  timedOut: (visit) =>
    failed('link-silent', `${visit.target.authority} does not answer the request for a link`, [
      'Try again in a minute.',
    ]),
}

async function byAmqp(visit: Visit, limits: StepLimits): Promise<Finding> {
  const known = visit.partitionIds ?? []
  const asked = visit.options.partition ?? known[0] ?? '0'
  const wanted = asked === 'all' ? known : [asked]
  let largest = Number.POSITIVE_INFINITY
  let credit = Number.POSITIVE_INFINITY
  for (let at = 0; at < wanted.length; at += linksAtATime) {
    const some = wanted.slice(at, at + linksAtATime)
    const tried = await Promise.all(some.map((id) => open(visit, id, limits)))
    limits.signal.throwIfAborted()
    for (const link of tried) {
      if ('status' in link) return link
      largest = Math.min(largest, link.maxMessageSizeInBytes)
      credit = Math.min(credit, link.credit)
    }
  }
  visit.maxMessageSizeInBytes = Number.isFinite(largest) ? largest : undefined
  const which =
    wanted.length === 1 ? `Partition ${quoted(wanted[0] ?? '')} takes` : `All ${wanted.length} partitions take`
  return ok(`${which} a sender’s link`, {
    partitions: wanted.map(quoted),
    credit: Number.isFinite(credit) ? credit : null,
  })
}

/** As the client does it: a claim for the address of the link, then the link. */
async function open(visit: Visit, id: string, limits: StepLimits) {
  const { session, cbs, token, place, connection } = visit
  if (!session || !cbs || !token || !connection)
    throw new EventHubError('There is no connection.', { code: 'unexpected' })
  const path = `/Partitions/${id}`
  try {
    const answer = await putToken(cbs, `${audienceOf(place)}${path}`, token, limits)
    if (!isSuccess(answer)) return refusedBy(visit, answer)
    const attached = await Promise.race([attachSender(session, `${place.eventHubName}${path}`), connection.ended])
    if (attached instanceof EventHubError) return lost(visit, attached)
    if ('refused' in attached) {
      return explainRefusal(visit, {
        condition: attached.refused.condition,
        description: attached.refused.description ?? '',
      })
    }
    return attached
  } catch (thrown) {
    return lost(visit, toEventHubError(thrown))
  }
}

async function byHttps(visit: Visit, { deadline, signal }: StepLimits): Promise<Finding> {
  const { partition: id } = visit.options
  if (id === undefined || id === 'all') return notUsed('Over HTTPS the service chooses; --partition ID looks at one')
  const seconds = Math.max(1, Math.ceil(remainingTime(visit.seams.clock, deadline) / 1000))
  const hub = encodeURIComponent(visit.place.eventHubName)
  const path = `/${hub}/partitions/${encodeURIComponent(id)}/messages?timeout=${seconds}&api-version=2014-01`
  try {
    const answer = await postNothing(visit, path, signal)
    const taken = takenBy(visit, answer, `Partition ${quoted(id)} takes events`)
    if (taken) return taken
    const { status, text } = answer
    visit.partitionIds ??= []
    return explainRefusal(visit, { status, description: detailIn(text) })
  } catch (error) {
    signal.throwIfAborted()
    return lost(visit, toEventHubError(error))
  }
}
