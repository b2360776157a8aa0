import type { LocalHub } from '../local-hub/index.js'
import {
  actions,
  bodyKinds,
  type FaultRequest,
  type FreezeRequest,
  meanwhiles,
  type SendRequest,
  type StreamRequest,
} from './protocol.js'

export const maxEventsPerSecond = 5000
export const maxEventsPerSend = 10_000
/** Copies included: what one send may make the producer hold. */
const largestSendInBytes = 32 * 1024 * 1024
const longestLatencyInMs = 60_000
const shortestFreezeInMs = 100
const longestFreezeInMs = 600_000

/** What the page asked for cannot be done, or is not understood; the message is for its reader. */
export class RequestError extends Error {
  readonly status: number

  constructor(message: string, status = 400) {
    super(message)
    this.status = status
  }
}

type Fields = Readonly<Record<string, unknown>>

/** As the page calls them. */
const labels: Readonly<Record<string, string>> = {
  bodyKind: 'The kind of the body',
  contentType: 'The content type',
  count: 'How many',
  eventsPerSecond: 'Events per second',
  latencyInMs: 'Added latency (ms)',
  partitionId: 'The partition',
  partitionKey: 'The key',
}

export function readSend(json: unknown, hub: LocalHub): SendRequest {
  const fields = object(json)
  const eventHubName = hubName(fields, hub)
  const bodyKind = word(fields, 'bodyKind', bodyKinds)
  const body = fields.body
  if (typeof body !== 'string') throw new RequestError('The body must be a text.')
  const contentType = optionalText(fields, 'contentType')
  const partitionKey = optionalText(fields, 'partitionKey')
  const partitionId = optionalText(fields, 'partitionId')
  if (partitionId !== undefined && !hub.partitionIds(eventHubName).includes(partitionId)) {
    throw new RequestError(`There is no partition ${partitionId} in ${eventHubName}.`)
  }
  const properties = readProperties(fields.properties)
  const request: SendRequest = {
    eventHubName,
    bodyKind,
    body,
    count: whole(fields, 'count', 1, maxEventsPerSend),
    ...(contentType !== undefined && { contentType }),
    ...(partitionKey !== undefined && { partitionKey }),
    ...(partitionId !== undefined && { partitionId }),
    ...(properties !== undefined && { properties }),
  }
  const sizeInBytes = bodyBytes(request).length * request.count
  if (sizeInBytes > largestSendInBytes) {
    throw new RequestError(
      `${request.count} such events are ${sizeInBytes} bytes; one send may have ${largestSendInBytes}.`,
    )
  }
  return request
}

/** The body as it will travel. Throws `RequestError` when it is not what its kind says. */
export function bodyBytes({ bodyKind, body }: Pick<SendRequest, 'bodyKind' | 'body'>): Buffer {
  if (bodyKind === 'hex') {
    const digits = body.replace(/\s+/g, '')
    if (!/^([0-9a-fA-F]{2})*$/.test(digits))
      throw new RequestError('A hexadecimal body is pairs of digits: ca fe 00 ff.')
    return Buffer.from(digits, 'hex')
  }
  if (bodyKind === 'json') {
    try {
      JSON.parse(body)
    } catch {
      throw new RequestError('The body is not valid JSON. Correct it, or send it as text.')
    }
  }
  return Buffer.from(body)
}

export function readStream(json: unknown, hub: LocalHub): StreamRequest {
  const fields = object(json)
  return {
    eventHubName: hubName(fields, hub),
    on: flag(fields, 'on'),
    eventsPerSecond: whole(fields, 'eventsPerSecond', 1, maxEventsPerSecond),
  }
}

export function readFaults(json: unknown): FaultRequest {
  const fields = object(json)
  const request = {
    ...(fields.throttle !== undefined && { throttle: flag(fields, 'throttle') }),
    ...(fields.silence !== undefined && { silence: flag(fields, 'silence') }),
    ...(fields.refuseConnections !== undefined && { refuseConnections: flag(fields, 'refuseConnections') }),
    ...(fields.latencyInMs !== undefined && { latencyInMs: whole(fields, 'latencyInMs', 0, longestLatencyInMs) }),
    ...(fields.action !== undefined && { action: word(fields, 'action', actions) }),
    ...(fields.count !== undefined && { count: whole(fields, 'count', 1, 1000, 'Acknowledgements to lose') }),
  }
  if (Object.keys(request).length === 0) throw new RequestError('Which fault? The request names none.')
  return request
}

export function readFreeze(json: unknown): FreezeRequest {
  const fields = object(json)
  return {
    frozen: flag(fields, 'frozen'),
    ...(fields.meanwhile !== undefined && { meanwhile: word(fields, 'meanwhile', meanwhiles) }),
    ...(fields.thawAfterInMs !== undefined && { thawAfterInMs: thawAfter(fields.thawAfterInMs) }),
  }
}

/** The page asks for seconds. */
function thawAfter(value: unknown): number {
  if (typeof value === 'number' && value >= shortestFreezeInMs && value <= longestFreezeInMs) return value
  throw new RequestError(
    `Thaw by itself after: from ${shortestFreezeInMs / 1000} to ${longestFreezeInMs / 1000} seconds, or nothing.`,
  )
}

function readProperties(value: unknown): Record<string, string | number | boolean> | undefined {
  if (value === undefined) return undefined
  const entries = Object.entries(object(value))
  if (entries.length > 100) throw new RequestError('An event from the page may have up to 100 properties.')
  for (const [name, property] of entries) {
    if (name === '' || !['string', 'number', 'boolean'].includes(typeof property)) {
      throw new RequestError('Properties are names with a text, a number, true or false each.')
    }
  }
  return Object.fromEntries(entries) as Record<string, string | number | boolean>
}

function hubName(fields: Fields, hub: LocalHub): string {
  const { eventHubName } = fields
  if (typeof eventHubName === 'string' && hub.eventHubNames.includes(eventHubName)) return eventHubName
  throw new RequestError(`eventHubName must be one of: ${hub.eventHubNames.join(', ')}.`)
}

function object(value: unknown): Fields {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Fields
  throw new RequestError('The request must be a JSON object.')
}

function flag(fields: Fields, name: string): boolean {
  const value = fields[name]
  if (typeof value === 'boolean') return value
  throw new RequestError(`${labels[name] ?? name} must be true or false.`)
}

function whole(fields: Fields, name: string, least: number, most: number, label = labels[name] ?? name): number {
  const value = fields[name]
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
  throw new RequestError(`${label} must be a whole number from ${least} to ${most}.`)
}

function word<T extends string>(fields: Fields, name: string, words: readonly T[]): T {
  const found = words.find((one) => one === fields[name])
  if (found === undefined) throw new RequestError(`${labels[name] ?? name} must be one of: ${words.join(', ')}.`)
  return found
}

/** Absent and empty are the same: what a form leaves empty. */
function optionalText(fields: Fields, name: string): string | undefined {
  const value = fields[name]
  if (value === undefined || value === '') return undefined
  if (typeof value === 'string' && value.length <= 1024) return value
  throw new RequestError(`${labels[name] ?? name} must be a text of up to 1024 characters.`)
}
