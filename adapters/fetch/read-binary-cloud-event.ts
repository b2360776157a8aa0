import { bytesOf } from './body.js'
import { parseHttpCloudEvent } from './cloudevents/http-binary.js'
import type { ContentReader } from './incoming.js'
import { cloudEventItem } from './read-json.js'

const tellingHeaders = ['ce-id', 'ce-specversion', 'ce-source', 'ce-type']

/** One required attribute is enough: an event that lacks another is a broken CloudEvent, not a plain one. */
export function isHttpBinaryCloudEvent(headers: Headers): boolean {
  return tellingHeaders.some((name) => headers.has(name))
}

/** A CloudEvent whose attributes are headers and whose data is the body, of any type, as it is. */
export const readBinaryCloudEvent: ContentReader = async function* (input) {
  const data = await bytesOf(input.body, input.signal)
  yield cloudEventItem(parseHttpCloudEvent(input.body.request.headers, data), input)
}
