import type { AmqpPrimitive } from '../../../core/event-data.js'
import { decodeUtf8, parseJson } from './shape.js'
import type { Content } from './source.js'

/** A value as JSON. */
export function jsonContent(value: unknown): Content {
  return { body: JSON.stringify(value), contentType: 'application/json' }
}

/** Text as it is; JSON if it holds an object or an array. */
export function textContent(text: string): Content {
  return { body: text, contentType: parseJson(text) === undefined ? 'text/plain; charset=utf-8' : 'application/json' }
}

/** Bytes as they are; JSON if they hold an object or an array. */
export function bytesContent(bytes: Uint8Array): Content {
  const text = decodeUtf8(bytes)
  const isJson = text !== undefined && parseJson(text) !== undefined
  return { body: bytes, contentType: isJson ? 'application/json' : 'application/octet-stream' }
}

/**
 * A message's attributes as application properties. Numbers stay the text that AWS delivers: it allows 38 digits, more
 * than a double can hold.
 */
export function attributesAsProperties<A>(
  attributes: Readonly<Record<string, A>> | undefined,
  read: (attribute: A) => { readonly text?: unknown; readonly base64?: unknown },
): Record<string, AmqpPrimitive> | undefined {
  const properties = Object.entries(attributes ?? {}).flatMap(([name, attribute]): [string, AmqpPrimitive][] => {
    const { text, base64 } = read(attribute)
    if (typeof text === 'string') return [[name, text]]
    if (typeof base64 === 'string') return [[name, new Uint8Array(Buffer.from(base64, 'base64'))]]
    return []
  })
  return properties.length === 0 ? undefined : Object.fromEntries(properties)
}
