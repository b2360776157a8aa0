import { promises, Writable } from 'node:stream'
import type { Context, StreamifyHandler } from 'aws-lambda'
import type { Invocation } from '../../core/invocation.js'
import { EventsNotAcceptedError, endingInvocation } from '../flush-on-freeze.js'
import { invocationsOf, type WithEventHubOptions } from './invocations.js'
import { surroundings } from './options.js'

/** What `awslambda.streamifyResponse` passes to a handler. */
export type ResponseStream = Parameters<StreamifyHandler>[1]

/** A handler that streams its response and sends events. `invocation` ends, and flushes, when the handler settles. */
export type StreamingEventHubHandler<E> = (
  event: E,
  responseStream: ResponseStream,
  context: Context,
  invocation: Invocation,
) => Promise<void> | void

/**
 * `withEventHub` for a handler that streams its response:
 *
 *     export const handler = awslambda.streamifyResponse(withEventHubStreaming({}, async (event, stream, context, invocation) => { … }))
 *
 * What the handler writes goes out at once. The end of the response goes out when everything sent until then has been
 * accepted; otherwise the stream fails with `EventsNotAcceptedError`, and so does the call, so that no caller sees a
 * complete response whose events are missing.
 */
export function withEventHubStreaming<E>(
  options: WithEventHubOptions,
  handler: StreamingEventHubHandler<E>,
): (event: E, responseStream: ResponseStream, context: Context) => Promise<void> {
  if (typeof handler !== 'function') {
    throw new TypeError('withEventHubStreaming takes the options first and your handler second.')
  }
  const begin = invocationsOf('withEventHubStreaming', options, surroundings())
  return async (event, responseStream, context) => {
    const invocation = await begin(context)
    const guarded = endingAfter(responseStream, async () => {
      const report = await invocation.flush()
      if (report.failures.length > 0) throw new EventsNotAcceptedError(report)
    })
    await endingInvocation(invocation, async () => {
      try {
        await handler(event, guarded, context, invocation)
        if (guarded.writableEnded) await promises.finished(guarded)
      } catch (error) {
        // The runtime ends the response now, and marks it as failed: nobody else may.
        guarded.destroy()
        throw error
      }
    })
  }
}

/** A stream that passes on to `inner` what is written to it, and the end once `settled` resolves. */
function endingAfter(inner: ResponseStream, settled: () => Promise<void>): ResponseStream {
  const outer = new Writable({
    // The runtime takes objects too and writes them as JSON.
    objectMode: true,
    write(chunk, _encoding, callback) {
      if (inner.write(chunk)) callback()
      else inner.once('drain', callback)
    },
    final(callback) {
      settled().then(
        // Given up meanwhile: the runtime has to end it as failed.
        () => (outer.destroyed ? callback() : inner.end(() => callback())),
        callback,
      )
    },
  })
  inner.once('error', (error) => outer.destroy(error))
  inner.once('close', () => {
    if (!inner.writableFinished) outer.destroy()
  })
  // Whoever does not look at the stream learns of its error from the handler; unheard it would end the process.
  outer.on('error', () => {})
  return Object.defineProperties(outer, {
    setContentType: { value: (contentType: string) => inner.setContentType(contentType) },
    // Where HttpResponseStream.from leaves the status and the headers.
    _onBeforeFirstWrite: {
      get: () => (inner as RuntimeStream)._onBeforeFirstWrite,
      set: (write: unknown) => {
        ;(inner as RuntimeStream)._onBeforeFirstWrite = write
      },
    },
  }) as ResponseStream
}

type RuntimeStream = ResponseStream & { _onBeforeFirstWrite?: unknown }
