import { createHash } from 'node:crypto'
import {
  app,
  type EventGridEvent,
  type HttpRequest,
  type HttpResponseInit,
  type InvocationContext,
  type Timer,
} from '@azure/functions'
import { eventData, eventHubOutput, type FlushReport, withEventHub } from '../../adapters/azure-functions/index.js'

/** All functions write here; the app settings stand in local.settings.example.json. */
const events = eventHubOutput({ connection: 'EventHubConnection', eventHubName: '%EventHubName%' })

// Over HTTP a caller waits for the answer, so the function takes the outcome and says it.
app.http('publish', {
  methods: ['POST'],
  authLevel: 'function',
  handler: withEventHub(events, publish),
})

// A queue delivers again, so the function just fails: after maxDequeueCount attempts the message is in publish-poison.
app.storageQueue('publishFromQueue', {
  queueName: 'publish',
  connection: 'AzureWebJobsStorage',
  handler: withEventHub({ return: events }, (message) => message),
})

// Event Grid delivers again for a day, and then to the subscription's dead letters where it has any.
app.eventGrid('publishFromEventGrid', {
  handler: withEventHub(events, publishFromEventGrid),
})

// A timer does not come again by itself: without a policy a heartbeat would be lost until the next one.
app.timer('heartbeat', {
  schedule: '%HeartbeatSchedule%',
  retry: { strategy: 'fixedDelay', maxRetryCount: 3, delayInterval: { seconds: 10 } },
  handler: withEventHub({ return: events }, heartbeat),
})

/**
 * `POST /api/publish`: the body is one event; a JSON array is one event per element. `x-partition-key` or
 * `?partitionKey=` gives the key. 200: all are accepted; 207: some are; 400: the body cannot be events; 413 (too
 * large), 503: none is.
 */
async function publish(request: HttpRequest, context: InvocationContext): Promise<HttpResponseInit> {
  const partitionKey = request.headers.get('x-partition-key') ?? request.query.get('partitionKey') ?? undefined
  const contentType = request.headers.get('content-type') ?? undefined
  const bytes = new Uint8Array(await request.arrayBuffer())
  const bodies = readBodies(bytes, contentType)
  if (bodies.length === 0) {
    return {
      status: 400,
      jsonBody: { error: 'The body holds no event, or is not the JSON that its content-type says.' },
    }
  }
  const hub = events.for(context)
  hub.send(bodies.map((body) => eventData({ body, contentType, partitionKey })))
  return answer(await hub.flush(), context)
}

/** None for an empty body and for malformed JSON. */
function readBodies(bytes: Uint8Array, contentType: string | undefined): unknown[] {
  if (bytes.length === 0) return []
  if (!/^(application|text)\/([^;]*\+)?json\s*(;|$)/i.test(contentType ?? '')) return [bytes]
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return Array.isArray(value) ? value : [value]
  } catch {
    return []
  }
}

function answer({ accepted, failures }: FlushReport, context: InvocationContext): HttpResponseInit {
  const jsonBody = {
    accepted,
    failures: failures.map(({ index, outcome, error }) => ({ index, outcome, code: error.code })),
  }
  if (failures.length === 0) return { status: 200, jsonBody }
  context.error(
    `${failures.length} of ${failures.length + accepted} events were not accepted: ${failures[0]?.error.message}`,
  )
  if (accepted > 0) return { status: 207, jsonBody }
  if (failures.every(({ error }) => error.code === 'event-too-large')) return { status: 413, jsonBody }
  return { status: 503, headers: { 'retry-after': '4' }, jsonBody }
}

/** Event Grid's own schema as JSON, a CloudEvent as one. Events of one subject stay in order. */
function publishFromEventGrid(event: EventGridEvent, context: InvocationContext): void {
  const isOfOwnSchema = 'eventType' in event
  const message = isOfOwnSchema
    ? eventData({ body: event, contentType: 'application/json', messageId: event.id })
    : event
  events.for(context).send(message, { partitionKey: toPartitionKey(event.subject) })
}

/** A key has at most 128 characters; the subject of a blob is its path, which may have more. */
function toPartitionKey(subject: string | undefined): string | undefined {
  if (!subject) return undefined
  return subject.length <= 128 ? subject : createHash('sha256').update(subject).digest('hex')
}

/** A CloudEvent that says that this app lives and reaches the event hub. */
function heartbeat(timer: Timer, { functionName, invocationId }: InvocationContext): object {
  return {
    specversion: '1.0',
    id: invocationId,
    source: `/functions/${functionName}`,
    type: 'eventhub-sluice.heartbeat',
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    data: { isPastDue: timer.isPastDue },
  }
}
