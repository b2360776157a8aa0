import { app, type HttpRequest, type HttpResponseInit, type InvocationContext } from '@azure/functions'
import { eventData, eventHubOutput, type FlushReport, withEventHub } from '../../adapters/azure-functions/index.js'

/** Both functions write here; the app settings stand in local.settings.example.json. */
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
