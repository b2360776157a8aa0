import { EventHubError, toEventHubError } from '../../../../core/errors.js'
import { audienceOf } from '../../amqp/place.js'
import { putToken } from '../../amqp/put-token.js'
import { openHttp } from '../http.js'
import { failed, ok, type Step, type StepLimits, warning } from '../step.js'
import { milliseconds } from '../text.js'
import type { Visit } from '../visit.js'
import { lost } from './claims.js'

const count = 5
/** Beyond this, a cold start's dozen round trips take more than four seconds. */
const slowInMs = 400

/** How long the service takes to answer. */
export const roundTrips: Step = {
  id: 'round-trips',
  needs: ['claims'],
  limitInMs: 15_000,
  async run(visit, limits) {
    try {
      const { ask, close } = await asker(visit, limits)
      const took: number[] = []
      try {
        for (let at = 0; at < count; at++) {
          const startedAt = visit.seams.clock.monotonicNow()
          await ask()
          took.push(visit.seams.clock.monotonicNow() - startedAt)
        }
      } catch (error) {
        // A server may end the connection with its answer; what was measured counts.
        if (took.length === 0) throw error
      } finally {
        close()
      }
      return judge(took)
    } catch (thrown) {
      limits.signal.throwIfAborted()
      return lost(visit, toEventHubError(thrown))
    }
  },
  timedOut: () =>
    failed('too-slow', 'The service stopped answering, or takes seconds for an answer', [
      'Try again; look at the network between.',
    ]),
}

async function asker(visit: Visit, limits: StepLimits) {
  const { cbs, token, place } = visit
  if (place.transportType === 'https') {
    const way = await openHttp(visit.context, visit.target, limits.signal)
    return { ask: () => way.ask({ method: 'HEAD', path: '/' }), close: () => way.close() }
  }
  if (!cbs || !token) throw new EventHubError('There is no connection.', { code: 'unexpected' })
  // A token that is put again is the smallest question there is.
  return { ask: () => putToken(cbs, audienceOf(place), token, limits), close: () => {} }
}

function judge(took: number[]) {
  const sorted = [...took].sort((a, b) => a - b)
  const min = sorted[0] ?? 0
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0
  const max = sorted.at(-1) ?? 0
  const rounded = (value: number) => Math.round(value * 100) / 100
  const details = { count: took.length, minInMs: rounded(min), medianInMs: rounded(median), maxInMs: rounded(max) }
  const summary = `${milliseconds(min)} at best, ${milliseconds(median)} in the median of ${took.length}`
  if (median <= slowInMs) return ok(summary, details)
  return warning(
    'slow',
    summary,
    ['It works, slowly: a namespace in a region closer to this machine would answer sooner.'],
    details,
  )
}
