import { bytesOf } from './body.js'
import type { ContentReader } from './incoming.js'
import { ProblemError } from './problem.js'

/** A body of a type that is not taken apart: one event, the bytes as they are, with its type. */
export const readBytes: ContentReader = async function* ({ body, signal }) {
  const data = await bytesOf(body, signal)
  if (data.length === 0) throw new ProblemError('no-events', 'The body is empty. Send the event in it.')
  const contentType = body.request.headers.get('content-type') ?? ''
  yield { incoming: { kind: 'bytes', data, contentType }, event: { body: data, contentType } }
}
