import { remainingTime } from '../../../../core/deadline.js'
import { toEventHubError } from '../../../../core/errors.js'
import { type Finding, failed, ok, type Step } from '../step.js'
import { messageOf, quoted } from '../text.js'

/** One event, by the client itself; only where it was asked for. */
export const testEvent: Step = {
  id: 'test-event',
  needs: ['partition'],
  limitInMs: 20_000,
  async run(visit, { deadline, signal }) {
    const { options, place, seams } = visit
    if (!options.sendTestEvent || !options.makeClient) {
      return { status: 'skipped', code: 'not-asked', summary: 'No event was sent; --send-test-event sends one' }
    }
    const client = options.makeClient({ clock: seams.clock, retryOptions: { maxRetries: 0 }, tracing: false })
    const partitionId = options.partition === 'all' ? undefined : options.partition
    try {
      const body = { source: 'sluice doctor', sentAt: new Date(seams.clock.wallNow()).toISOString() }
      const timeoutInMs = Math.max(1, remainingTime(seams.clock, deadline))
      await client.sendEvent(
        { body, contentType: 'application/json' },
        { timeoutInMs, abortSignal: signal, ...(partitionId === undefined ? {} : { partitionId }) },
      )
      return ok(`One event was sent, and '${quoted(place.eventHubName)}' has it`, { outcome: 'accepted' })
    } catch (thrown) {
      signal.throwIfAborted()
      return notAccepted(thrown)
    } finally {
      await client.close({ flush: false, timeoutInMs: 500 }).catch(() => {})
    }
  },
  timedOut: () =>
    failed('test-event-unknown', 'No answer came to the test event: it may be in the event hub', ['Try again.'], {
      outcome: 'unknown',
    }),
}

function notAccepted(thrown: unknown): Finding {
  const error = toEventHubError(thrown)
  const details = { outcome: error.outcome, error: error.code, condition: error.condition ?? null }
  return failed(
    'test-event-failed',
    `The test event was not accepted (${error.outcome}): ${messageOf(error)}`,
    ['All steps before it passed, so this is about sending itself: see the reason.'],
    details,
  )
}
