import { EventHubError } from '../../core/errors.js'
import type { RequestContext } from './context.js'
import { logError } from './log.js'
import { jsonResponse, ProblemError } from './problem.js'

/** `GET /partitions`: the ids, as the service says them. */
export async function getPartitions(context: RequestContext): Promise<Response> {
  const { request, settings } = context
  const limits = { timeoutInMs: context.remainingTimeInMs(), abortSignal: request.signal }
  try {
    return jsonResponse(200, { partitionIds: await settings.client().getPartitionIds(limits) })
  } catch (error) {
    if (!(error instanceof EventHubError)) throw error
    if (error.code === 'not-supported') {
      throw new ProblemError('not-supported', 'The way to Event Hubs in use here cannot list partitions. AMQP can.')
    }
    logError(settings.logger, 'GET /partitions', error)
    const { code, retryAfterInMs = 4_000 } = error
    throw new ProblemError(
      code === 'server-busy' ? 'event-hub-busy' : 'event-hub-unavailable',
      'Event Hubs did not name its partitions. Ask again after the time in Retry-After.',
      { 'retry-after': String(Math.ceil(retryAfterInMs / 1000)) },
    )
  }
}
