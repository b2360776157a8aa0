import { createHash } from 'node:crypto'

/** What Azure's clients allow a partition key; AWS allows its own keys more. */
const longestPartitionKey = 128

/**
 * A partition key of `text`: itself, or its digest where it is too long. The same text gives the same key, so events
 * that belong together stay together.
 */
export function partitionKeyOf(text: string): string {
  return text.length <= longestPartitionKey ? text : `sha256:${digest(text)}`
}

/** An id made of what a record says of itself, for sources that give it none: the same for every redelivery. */
export function digest(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}

/** Seconds since the Unix epoch, with a fraction, as RFC 3339. Undefined for anything that is no time. */
export function timeFromSeconds(seconds: number | undefined): string | undefined {
  return seconds === undefined ? undefined : timeFromMilliseconds(seconds * 1000)
}

/** Milliseconds since the Unix epoch as RFC 3339. Undefined for anything that is no time. */
export function timeFromMilliseconds(milliseconds: number): string | undefined {
  const time = new Date(Math.round(milliseconds))
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString()
}
