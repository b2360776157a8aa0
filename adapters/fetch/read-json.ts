import { bytesOf, decodeUtf8, isBlank } from './body.js'
import type { CloudEvent } from './cloudevents/attributes.js'
import { parseJsonCloudEvent } from './cloudevents/json-format.js'
import { topLevelParts } from './cloudevents/json-text.js'
import type { ContentReader, IncomingItem, ReadInput } from './incoming.js'
import { ProblemError } from './problem.js'

/** `application/json`: one value is one event; of an array, each element is one. Nothing is yielded of a malformed body. */
export const readJson: ContentReader = async function* (input) {
  const { text, value } = await readDocument(input)
  const values = Array.isArray(value) ? value : [value]
  assertEventCount(values.length, input)
  const texts = Array.isArray(value) ? topLevelParts(text) : [text]
  for (const [index, element] of values.entries()) {
    yield { incoming: { kind: 'json', value: element }, event: { body: texts[index] } }
  }
}

/** `application/cloudevents+json`: one CloudEvent. */
export const readStructuredCloudEvent: ContentReader = async function* (input) {
  const { text, value } = await readDocument(input)
  yield cloudEventItem(parseJsonCloudEvent(value, text), input)
}

/** `application/cloudevents-batch+json`: an array of CloudEvents. Each is judged by itself. */
export const readCloudEventBatch: ContentReader = async function* (input) {
  const { text, value } = await readDocument(input)
  if (!Array.isArray(value)) {
    throw new ProblemError('malformed-body', 'A batch of CloudEvents must be a JSON array.')
  }
  assertEventCount(value.length, input)
  const texts = topLevelParts(text)
  for (const [index, element] of value.entries()) {
    yield cloudEventItem(parseJsonCloudEvent(element, texts[index] ?? ''), input)
  }
}

export function cloudEventItem(
  parsed: CloudEvent | { readonly invalid: string; readonly id?: string | undefined },
  { writeCloudEvent }: Pick<ReadInput, 'writeCloudEvent'>,
): IncomingItem {
  if ('invalid' in parsed) return parsed
  const { id, partitionkey } = parsed.attributes
  return {
    incoming: { kind: 'cloudevent', ...parsed },
    event: writeCloudEvent(parsed),
    id: String(id),
    partitionKey: partitionkey === undefined ? undefined : String(partitionkey),
  }
}

export async function readDocument({ body, signal }: ReadInput): Promise<{ text: string; value: unknown }> {
  const text = decodeUtf8(await bytesOf(body, signal))
  if (text === undefined) throw new ProblemError('malformed-body', 'The body is not valid UTF-8.')
  if (isBlank(text)) throw new ProblemError('no-events', 'The body is empty. Send at least one event.')
  try {
    const value: unknown = JSON.parse(text)
    return { text: text.trim(), value }
  } catch {
    // The engine's own message quotes the body: it stays here.
    throw new ProblemError('malformed-body', 'The body is not valid JSON. Nothing of it was sent.')
  }
}

export function assertEventCount(count: number, { maxEventsPerRequest }: ReadInput): void {
  if (count === 0) throw new ProblemError('no-events', 'The array is empty. Send at least one event.')
  if (count > maxEventsPerRequest) {
    throw new ProblemError(
      'too-many-events',
      `A request may have ${maxEventsPerRequest} events; this one has ${count}. Nothing of it was sent.`,
    )
  }
}
