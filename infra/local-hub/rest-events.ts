import type { IncomingMessage } from 'node:http'
import * as encode from './amqp/encoder.js'
import { AmqpError } from './amqp/errors.js'
import { section } from './message-bytes.js'
import type { NewEvent } from './partition-log.js'

const batchContentType = 'application/vnd.microsoft.servicebus.json'

// What HTTP itself needs; every other header is a property of the event.
const transportHeaders = new Set([
  'authorization',
  'brokerproperties',
  'cache-control',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'date',
  'expect',
  'host',
  'keep-alive',
  'origin',
  'pragma',
  'referer',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'via',
])
const transportPrefixes = ['accept', 'proxy-', 'sec-', 'x-forwarded-', 'x-ms-']

type Json = Readonly<Record<string, unknown>>

/** Reads the event, or the batch of events, of a REST request. Throws `AmqpError` (`com.microsoft:argument-error`). */
export function readRestEvents(request: IncomingMessage, body: Buffer): NewEvent[] {
  const contentType = request.headers['content-type']
  if (contentType?.split(';', 1)[0]?.trim().toLowerCase() === batchContentType) return readBatch(body)
  const broker = request.headers.brokerproperties
  const brokerProperties =
    broker === undefined ? {} : object(parseJson(String(broker), 'BrokerProperties'), 'BrokerProperties')
  return [newEvent(body, headerProperties(request), brokerProperties, contentType)]
}

function readBatch(body: Buffer): NewEvent[] {
  const items = parseJson(body.toString('utf8'), 'The body')
  if (!Array.isArray(items) || items.length === 0)
    throw invalid('The body of a batch must be a JSON array with at least one event.')
  return items.map((item: unknown) => {
    const {
      Body,
      UserProperties = {},
      BrokerProperties = {},
      IsBodyBase64 = false,
    } = object(item, 'An event of the batch')
    if (typeof Body !== 'string') throw invalid('The Body of each event must be a string.')
    const bytes = Buffer.from(Body, IsBodyBase64 === true ? 'base64' : 'utf8')
    return newEvent(bytes, object(UserProperties, 'UserProperties'), object(BrokerProperties, 'BrokerProperties'))
  })
}

/** The message that an AMQP client would have sent. */
function newEvent(body: Buffer, properties: Json, broker: Json, contentType?: string): NewEvent {
  const partitionKey = text(broker, 'PartitionKey')
  const messageId = text(broker, 'MessageId')
  const correlationId = text(broker, 'CorrelationId')
  const parts: Buffer[] = []
  if (partitionKey !== undefined) {
    const annotations = encode.symbolMap({ 'x-opt-partition-key': encode.string(partitionKey) })
    parts.push(encode.described(section.messageAnnotations, annotations))
  }
  const type = contentType ?? text(broker, 'ContentType')
  if (messageId !== undefined || correlationId !== undefined || type !== undefined) {
    const fields = new Array<Buffer>(7).fill(encode.nothing)
    if (messageId !== undefined) fields[0] = encode.string(messageId)
    if (correlationId !== undefined) fields[5] = encode.string(correlationId)
    if (type !== undefined) fields[6] = encode.symbol(type)
    parts.push(encode.described(section.properties, encode.list(fields)))
  }
  const entries = Object.entries(properties)
  if (entries.length > 0) {
    const values = Object.fromEntries(entries.map(([name, value]) => [name, propertyValue(name, value)]))
    parts.push(encode.described(section.applicationProperties, encode.stringMap(values)))
  }
  parts.push(encode.described(section.data, encode.binary(body)))
  const bytes = Buffer.concat(parts)
  return { bytes, partitionKey }
}

/** Headers that the client meant for the event, with their case; values that are JSON scalars as what they are. */
function headerProperties(request: IncomingMessage): Json {
  const properties: [name: string, value: unknown][] = []
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i] ?? ''
    const lower = name.toLowerCase()
    if (transportHeaders.has(lower) || transportPrefixes.some((prefix) => lower.startsWith(prefix))) continue
    properties.push([name, scalarOrText(request.rawHeaders[i + 1] ?? '')])
  }
  return Object.fromEntries(properties)
}

function scalarOrText(value: string): unknown {
  try {
    const parsed: unknown = JSON.parse(value)
    return parsed !== null && typeof parsed === 'object' ? value : parsed
  } catch {
    return value
  }
}

function propertyValue(name: string, value: unknown): Buffer {
  if (value === null) return encode.nothing
  if (typeof value === 'string') return encode.string(value)
  if (typeof value === 'boolean') return encode.boolean(value)
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) return encode.double(value)
    return Math.abs(value) <= 0x7fffffff ? encode.int(value) : encode.long(value)
  }
  throw invalid(`The property '${name.slice(0, 64)}' must be a string, a number or a boolean.`)
}

function text(from: Json, name: string): string | undefined {
  const value = from[name]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  throw invalid(`${name} must be a string.`)
}

function parseJson(json: string, what: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    throw invalid(`${what} is not valid JSON.`)
  }
}

function object(value: unknown, what: string): Json {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Json
  throw invalid(`${what} must be a JSON object.`)
}

function invalid(description: string): AmqpError {
  return new AmqpError('com.microsoft:argument-error', description)
}
