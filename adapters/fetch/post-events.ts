import { EventHubError } from '../../core/errors.js'
import type { Invocation } from '../../core/invocation.js'
import type { FlushReport } from '../../core/report.js'
import { EventsNotAcceptedError } from '../flush-on-freeze.js'
import { eventsResponse } from './answer.js'
import { assertDeclaredSize } from './body.js'
import { readerFor } from './content-types.js'
import type { FetchContext, RequestContext } from './context.js'
import type { IncomingItem } from './incoming.js'
import { logError } from './log.js'
import { partitionKeyOf, partitionKeyOfRequest } from './partition-key.js'
import type { Problem } from './problem.js'
import { ProblemError, problem } from './problem.js'
import type { Entry } from './results.js'
import { resultsOf } from './results.js'

/** `POST /events`: when the answer goes out, every event of the body is in the event hub or reported. */
export async function postEvents(context: RequestContext): Promise<Response> {
  const { request, url, settings, platform } = context
  const read = readerFor(request)
  assertDeclaredSize(request, settings.maxBodySizeInBytes)
  const keyOfRequest = partitionKeyOfRequest(request, url)
  // Begun before the body is read: the connection proves itself meanwhile, and reading has the same deadline.
  const invocation = beginInvocation(context)
  const items = read(request, { ...settings, signal: invocation.signal })
  const answering = answer(context, invocation, items, keyOfRequest)
  // Where a caller's departure would cancel the request, this keeps it alive until its invocation has ended.
  platform?.waitUntil?.(answering.then(ignore, ignore))
  return answering
}

function beginInvocation({ request, settings, platform }: RequestContext): Invocation {
  const timeoutInMs = timeLeft(settings.timeoutInMs, platform)
  const client = settings.client()
  try {
    return client.beginInvocation({ timeoutInMs, abortSignal: request.signal })
  } catch (error) {
    if (!(error instanceof EventHubError && error.code === 'client-closed')) throw error
    throw new ProblemError('event-hub-unavailable', 'The front door is shutting down. Send the request again.', {
      'retry-after': '4',
    })
  }
}

function timeLeft(timeoutInMs: number, platform: FetchContext | undefined): number {
  const remaining = platform?.remainingTimeInMs?.() ?? timeoutInMs
  return Math.max(1, Math.floor(Math.min(timeoutInMs, remaining)))
}

async function answer(
  context: RequestContext,
  invocation: Invocation,
  items: AsyncIterable<IncomingItem>,
  keyOfRequest: string | undefined,
): Promise<Response> {
  const { request, settings } = context
  const entries: Entry[] = []
  let stopped: Problem | undefined
  let report: FlushReport
  try {
    await takeAll(context, invocation, items, keyOfRequest, entries)
  } catch (error) {
    stopped = asProblem(error, context)
  } finally {
    report = await invocation.end()
  }
  if (report.failures.length > 0) {
    // Read here as well as told: Node lets a request's signal go dead once nobody holds the request any more.
    const gone = request.signal?.aborted ? ' Its caller had gone.' : ''
    settings.logger.warn?.(`POST /events: ${new EventsNotAcceptedError(report).message}${gone}`)
  }
  if (entries.length === 0) {
    stopped ??= problem('no-events', 'The body holds no event. Send at least one.')
  }
  return eventsResponse(resultsOf(entries, report), stopped)
}

/** Hands the items to the invocation one by one: waiting for room here is what slows a fast upload down. */
async function takeAll(
  { request, settings }: RequestContext,
  invocation: Invocation,
  items: AsyncIterable<IncomingItem>,
  keyOfRequest: string | undefined,
  entries: Entry[],
): Promise<void> {
  for await (const item of items) {
    if ('invalid' in item) {
      entries.push({ id: item.id, invalid: item.invalid })
      continue
    }
    const { incoming, event } = item
    const partitionKey = partitionKeyOf(request, incoming, settings.partitionKey, keyOfRequest)
    const rejection = await rejectionOf(() => invocation.sendEvent(event, { partitionKey }))
    entries.push({ id: incoming.kind === 'cloudevent' ? String(incoming.attributes.id) : undefined, event, rejection })
  }
}

/** A rejected event is no reason to stop: it stands in the report, and the others go on. */
async function rejectionOf(send: () => Promise<void>): Promise<unknown> {
  try {
    await send()
    return undefined
  } catch (error) {
    return error ?? new Error('sendEvent rejected without a reason.')
  }
}

function asProblem(error: unknown, { settings }: RequestContext): Problem {
  if (error instanceof ProblemError) return error.problem
  logError(settings.logger, 'POST /events stopped reading', error)
  return problem('internal-error', 'An error inside the front door ended the reading of this body. Its log has more.')
}

function ignore(): void {}
