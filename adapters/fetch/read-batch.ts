import type { AmqpPrimitive } from '../../core/event-data.js'
import { isContentType, isWellFormed } from './cloudevents/attributes.js'
import { decodeBase64 } from './cloudevents/base64.js'
import { rawMember, topLevelParts } from './cloudevents/json-text.js'
import type { ContentReader, IncomingItem } from './incoming.js'
import { ProblemError } from './problem.js'
import { assertEventCount, readDocument } from './read-json.js'

/** `POST /events:batch`: items that say for themselves what each event is. Each is judged by itself. */
export const readBatch: ContentReader = async function* (input) {
  const { text, value } = await readDocument(input)
  const parts = isObject(value) ? topLevelParts(text) : []
  const isWrapped = isObject(value) && parts.length === 2
  const items: unknown = isWrapped ? value.events : value
  if (!Array.isArray(items)) {
    throw new ProblemError('malformed-body', 'A batch must be a JSON array of items, or {"events": [items]}.')
  }
  assertEventCount(items.length, input)
  const texts = topLevelParts(isWrapped ? (parts[1] ?? '') : text)
  for (const [index, item] of items.entries()) yield parseItem(item, texts[index] ?? '')
}

const isString = (value: unknown) => typeof value === 'string' && isWellFormed(value)

/** What each field must be, in words and by check. `null` is absent, but for `body`. */
const fields: Readonly<Record<string, readonly [form: string, isValid: (value: unknown) => boolean]>> = {
  body: ['JSON', () => true],
  text: ['a string', isString],
  base64: ['bytes in padded base64', (value) => typeof value === 'string' && decodeBase64(value) !== undefined],
  partitionKey: ['a string', isString],
  id: ['a string that is not empty', (value) => isString(value) && value !== ''],
  properties: [
    'an object of strings, numbers, booleans and nulls',
    (value) => isObject(value) && Object.values(value).every(isProperty),
  ],
  contentType: ['a media type', (value) => typeof value === 'string' && isContentType(value)],
}

interface Item {
  readonly body?: unknown
  readonly text?: string
  readonly base64?: string
  readonly partitionKey?: string
  readonly id?: string
  readonly properties?: Record<string, AmqpPrimitive>
  readonly contentType?: string
}

function parseItem(value: unknown, raw: string): IncomingItem {
  const parts = isObject(value) ? topLevelParts(raw) : []
  const reason = whyNotItem(value, parts)
  const item = (isObject(value) ? withoutNulls(value) : {}) as Item
  if (reason !== undefined) return { invalid: reason, id: fields.id?.[1](item.id) ? item.id : undefined }
  const { id, partitionKey, properties = {}, contentType, base64 } = item
  const decoded = base64 === undefined ? item.text : decodeBase64(base64)
  return {
    incoming: { kind: 'item', value: decoded ?? item.body, id, partitionKey, properties },
    event: {
      // JSON travels as the text that its sender wrote.
      body: decoded ?? rawMember(parts, 'body'),
      messageId: id,
      properties,
      contentType,
    },
    id,
    partitionKey,
  }
}

function whyNotItem(value: unknown, parts: readonly string[]): string | undefined {
  if (!isObject(value)) return 'An item must be a JSON object.'
  // Parsing keeps the last of two equal names; which one the sender meant is anyone's guess.
  if (parts.length !== 2 * Object.keys(value).length) return 'A field of the item is given twice.'
  const item = withoutNulls(value)
  for (const [name, given] of Object.entries(item)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (field === undefined) return `An item has the fields ${Object.keys(fields).join(', ')} and no other.`
    if (!field[1](given)) return `${name} must be ${field[0]}.`
  }
  const bodies = ['body', 'text', 'base64'].filter((name) => name in item)
  return bodies.length === 1 ? undefined : 'An item must have exactly one of body, text and base64.'
}

function withoutNulls(item: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(item).filter(([name, value]) => value !== null || name === 'body'))
}

function isProperty(value: unknown): boolean {
  return value === null || typeof value === 'number' || typeof value === 'boolean' || isString(value)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
