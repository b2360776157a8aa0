import type { LocalHub } from '../local-hub/index.js'
import { jsonOf } from './arrivals.js'
import type { EventDetail, Field } from './protocol.js'

const longestBodyInBytes = 64 * 1024
const longestValue = 4096

/** One event for the page's detail view; undefined when it is not in store. Throws `TypeError` for an unknown place. */
export function eventDetail(
  hub: LocalHub,
  eventHubName: string,
  partitionId: string,
  sequenceNumber: number,
): EventDetail | undefined {
  const event = hub.event(eventHubName, partitionId, sequenceNumber)
  if (event === undefined) return undefined
  const { body } = event
  const has = (number: number): boolean => number >= 0 && hub.event(eventHubName, partitionId, number) !== undefined
  return {
    eventHubName,
    partitionId,
    sequenceNumber,
    offset: event.offset,
    enqueuedTime: event.enqueuedTime.toISOString(),
    ...(event.partitionKey !== undefined && { partitionKey: event.partitionKey }),
    bodyType: event.bodyType,
    bodySizeInBytes: body.length,
    body: body.subarray(0, longestBodyInBytes).toString('base64'),
    isBodyCut: body.length > longestBodyInBytes,
    ...(event.value !== undefined && { value: jsonOf(event.value).slice(0, longestBodyInBytes) }),
    encodedSizeInBytes: event.encoded.length,
    header: fields(event.header),
    messageAnnotations: fields(event.messageAnnotations),
    properties: fields(event.properties),
    applicationProperties: fields(event.applicationProperties),
    ...(has(sequenceNumber - 1) && { previous: sequenceNumber - 1 }),
    ...(has(sequenceNumber + 1) && { next: sequenceNumber + 1 }),
  }
}

function fields(map: Readonly<Record<string, unknown>>): Field[] {
  return Object.entries(map).map(([name, value]) => ({ name, ...typed(value) }))
}

function typed(value: unknown): { readonly type: string; readonly value: string } {
  if (value === null) return { type: 'null', value: 'null' }
  if (Buffer.isBuffer(value)) return { type: 'binary', value: cut(value.subarray(0, longestValue / 2).toString('hex')) }
  if (value instanceof Date) return { type: 'timestamp', value: dateText(value) }
  if (typeof value === 'bigint') return { type: 'long', value: value.toString() }
  if (typeof value === 'object') return { type: Array.isArray(value) ? 'list' : 'map', value: cut(jsonOf(value)) }
  return { type: typeof value, value: cut(String(value)) }
}

function dateText(date: Date): string {
  return Number.isNaN(date.getTime()) ? 'no date' : date.toISOString()
}

function cut(text: string): string {
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text
}
