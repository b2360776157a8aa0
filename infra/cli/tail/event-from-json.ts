import type { EventInput } from '../../../core/index.js'

/** An event to send again, made of a line that `sluice tail --json` wrote. */
export interface SentAgain {
  readonly event: EventInput
  readonly partitionKey: string | undefined
}

type Fields = Readonly<Record<string, unknown>>

const deepestNesting = 100

/**
 * The event that `eventToJson` told of: same body, properties, key and sections. Where it was stored, and when, is left out.
 *
 * @throws TypeError that names the field at fault, never with a value
 */
export function eventFromJson(json: unknown): SentAgain {
  const fields = objectIn('The line', json)
  const { partitionKey, contentType, messageId, correlationId, properties, amqp } = fields
  if (partitionKey !== undefined && typeof partitionKey !== 'string')
    throw new TypeError('partitionKey must be a string.')
  const own = mapIn('properties', properties)
  const known = withoutUndefined({
    contentType,
    messageId: fromJson(messageId),
    correlationId: fromJson(correlationId),
  })
  const event =
    amqp === undefined
      ? { body: bodyIn(fields), ...known, ...(own && { properties: own }) }
      : annotated(fields, objectIn('amqp', amqp), known, own)
  return { event: event as unknown as EventInput, partitionKey }
}

function annotated(fields: Fields, amqp: Fields, known: Fields, applicationProperties: Fields | undefined): Fields {
  const { bodyType = 'data', dataSizes } = amqp
  if (bodyType !== 'data' && bodyType !== 'value' && bodyType !== 'sequence') {
    throw new TypeError("amqp.bodyType must be 'value' or 'sequence'.")
  }
  const body = bodyType === 'data' ? dataIn(fields, dataSizes) : fromJson(bodyOf(fields))
  return withoutUndefined({
    body,
    bodyType,
    header: mapIn('amqp.header', amqp.header),
    properties: { ...known, ...mapIn('amqp.properties', amqp.properties) },
    applicationProperties,
    messageAnnotations: mapIn('amqp.messageAnnotations', amqp.messageAnnotations),
    deliveryAnnotations: mapIn('amqp.deliveryAnnotations', amqp.deliveryAnnotations),
    footer: mapIn('amqp.footer', amqp.footer),
  })
}

function bodyOf({ body }: Fields): unknown {
  if (body === undefined) throw new TypeError('It has neither body nor bodyBase64.')
  return body
}

/** A string is its UTF-8, another value its JSON: that is how the client takes a body, too. */
function bodyIn(fields: Fields): unknown {
  const { body, bodyBase64 } = fields
  if (bodyBase64 === undefined) return bodyOf(fields)
  if (body !== undefined) throw new TypeError('It has both body and bodyBase64.')
  return bytesIn('bodyBase64', bodyBase64)
}

function dataIn(fields: Fields, sizes: unknown): unknown {
  const body = bodyIn(fields)
  if (sizes === undefined) return body
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const bytes = body instanceof Uint8Array ? Buffer.from(body) : Buffer.from(text)
  const parts: Buffer[] = []
  let at = 0
  for (const size of Array.isArray(sizes) ? sizes : [Number.NaN]) {
    if (!Number.isSafeInteger(size) || size < 0) throw new TypeError('amqp.dataSizes must be a list of sizes in bytes.')
    parts.push(bytes.subarray(at, at + size))
    at += size
  }
  if (at !== bytes.length) throw new TypeError('amqp.dataSizes do not sum up to the size of the body.')
  return parts
}

/** The values that JSON does not have, back from what stands for them. */
function fromJson(value: unknown, depth = 0): unknown {
  if (depth > deepestNesting) throw new TypeError('It is nested too deep.')
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item) => fromJson(item, depth + 1))
  const entries = Object.entries(value)
  const [only] = entries
  if (entries.length === 1 && only?.[0].startsWith('$')) return special(only[0], only[1], depth)
  return Object.fromEntries(entries.map(([name, item]) => [name, fromJson(item, depth + 1)]))
}

function special(name: string, value: unknown, depth: number): unknown {
  if (name === '$object') {
    const fields = objectIn('$object', value)
    return Object.fromEntries(Object.entries(fields).map(([key, item]) => [key, fromJson(item, depth + 1)]))
  }
  if (name === '$base64') return bytesIn('$base64', value)
  if (typeof value === 'string') {
    if (name === '$date' && !Number.isNaN(Date.parse(value))) return new Date(value)
    if (name === '$bigint' && /^-?\d{1,20}$/.test(value)) return BigInt(value)
    if (name === '$number' && /^(?:NaN|-?Infinity|-0)$/.test(value)) return Number(value)
  }
  throw new TypeError(
    'It has a value of one field that begins with $ and is none that is known, or is not written rightly.',
  )
}

function bytesIn(name: string, value: unknown): Uint8Array {
  const isBase64 = typeof value === 'string' && value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value)
  if (!isBase64) throw new TypeError(`${name} must be base64.`)
  return Buffer.from(value, 'base64')
}

function mapIn(name: string, value: unknown): Fields | undefined {
  if (value === undefined) return undefined
  const fields = objectIn(name, value)
  return Object.fromEntries(Object.entries(fields).map(([key, item]) => [key, fromJson(item)]))
}

function objectIn(name: string, value: unknown): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw new TypeError(`${name} must be an object.`)
}

function withoutUndefined(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
