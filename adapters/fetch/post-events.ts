import type { EventHubProducerClient } from '../../core/client.js'
import { EventHubError } from '../../core/errors.js'
import { EventsNotAcceptedError } from '../flush-on-freeze.js'
import { eventsResponse } from './answer.js'
import { assertDeclaredSize } from './body.js'
import { batchReaderFor, readerFor } from './content-types.js'
import type { RequestContext } from './context.js'
import type { ContentReader } from './incoming.js'
import { logError } from './log.js'
import { partitionKeyOfRequest } from './partition-key.js'
import type { Posting } from './posting.js'
import { takeAll } from './posting.js'
import type { Problem } from './problem.js'
import { ProblemError, problem } from './problem.js'
import { answerEarly, mayAnswerEarly, until } from './respond-async.js'
import { resultsOf } from './results.js'

/** `POST /events`: when the answer goes out, every event of the body is in the event hub or reported. */
export async function postEvents(context: RequestContext): Promise<Response> {
  return post(context, readerFor(context.request, context.settings.webhooks))
}

/** `POST /events:batch`: the same for items with keys, ids and properties of their own. */
export async function postBatch(context: RequestContext): Promise<Response> {
  return post(context, batchReaderFor(context.request))
}

async function post(context: RequestContext, read: ContentReader): Promise<Response> {
  const { request, url, settings, body } = context
  assertDeclaredSize(request, settings.maxBodySizeInBytes)
  const keyOfRequest = partitionKeyOfRequest(request, url)
  const caller = mayAnswerEarly(context) ? until(request.signal) : undefined
  // Begun before the body is read: the connection proves itself meanwhile, and reading has the same deadline.
  const invocation = beginInvocation(settings.client(), {
    timeoutInMs: context.remainingTimeInMs(),
    abortSignal: caller?.signal ?? request.signal,
  })
  const items = read({ ...settings, body, signal: invocation.signal })
  const posting = { context, invocation, keyOfRequest, items, entries: [] }
  const answering = answer(posting, caller && (() => answerEarly(posting, caller)))
  // Where a caller's departure would cancel the request, this keeps it alive until its invocation has ended.
  context.keepAlive(answering)
  return answering
}

function beginInvocation(
  client: EventHubProducerClient,
  options: Parameters<EventHubProducerClient['beginInvocation']>[0],
): Posting['invocation'] {
  try {
    return client.beginInvocation(options)
  } catch (error) {
    if (!(error instanceof EventHubError && error.code === 'client-closed')) throw error
    throw new ProblemError('event-hub-unavailable', 'The front door is shutting down. Send the request again.', {
      'retry-after': '4',
    })
  }
}

/** @param early answers before everything is settled, if that can be done */
async function answer(posting: Posting, early: (() => Promise<Response | undefined>) | undefined): Promise<Response> {
  const { context, invocation, entries } = posting
  const { request, settings } = context
  let stopped: Problem | undefined
  try {
    const response = early === undefined ? await takeAll(posting) : await early()
    if (response !== undefined) return response
  } catch (error) {
    stopped = asProblem(error, context)
  }
  const report = await invocation.end()
  if (report.failures.length > 0) {
    // Read here as well as told: Node lets a request's signal go dead once nobody holds the request any more.
    const gone = request.signal?.aborted ? ' Its caller had gone.' : ''
    settings.logger.warn?.(`POST /events: ${new EventsNotAcceptedError(report).message}${gone}`)
  }
  if (entries.length === 0) {
    stopped ??= problem('no-events', 'The body holds no event. Send at least one.')
  }
  const results = resultsOf(entries, report)
  context.outcome = { results, isWhole: stopped === undefined }
  return eventsResponse(results, stopped)
}

function asProblem(error: unknown, { settings }: RequestContext): Problem {
  if (error instanceof ProblemError) return error.problem
  logError(settings.logger, 'POST /events stopped reading', error)
  return problem('internal-error', 'An error inside the front door ended the reading of this body. Its log has more.')
}
