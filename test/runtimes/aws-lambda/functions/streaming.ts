import { withEventHubStreaming } from '../../../../adapters/aws-lambda/index.js'

/** What a test asks the handler to do. */
export interface StreamOrder {
  /** Message ids of the events to send. */
  readonly ids: readonly string[]
  /** `throw`: fails in the middle of its response. `web-page`: answers with a status and headers. Default: neither. */
  readonly also?: 'throw' | 'web-page'
}

/** A user's handler, as one may be written: it waits for none of its sends, and for none of its writes. */
export const handler = awslambda.streamifyResponse<StreamOrder>(
  withEventHubStreaming({}, async ({ ids, also }, responseStream, _context, invocation) => {
    const page = { statusCode: 201, headers: { 'content-type': 'text/plain' } }
    const stream = also === 'web-page' ? awslambda.HttpResponseStream.from(responseStream, page) : responseStream
    stream.write('first ')
    for (const messageId of ids) void invocation.sendEvent({ body: messageId, messageId })
    // Lets the first part go out by itself.
    await new Promise((resolve) => setTimeout(resolve, 50))
    if (also === 'throw') throw new RangeError('The order is out of range.')
    stream.end('last')
  }),
)
