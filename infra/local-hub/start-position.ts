import { type AmqpValue, Described } from './amqp/decoder.js'
import { AmqpError } from './amqp/errors.js'
import type { PartitionLog, StoredEvent } from './partition-log.js'
import { textOf } from './request-reply.js'

const selectorName = 'apache.org:selector-filter:string'
const expression = /^\s*amqp\.annotation\.(x-opt-[a-z-]+)\s*(>=|>)\s*'?([^']*?)'?\s*$/i

/** The sequence number that a reader starts at, from its source's filters. Without a filter: the first event kept. */
export function startOf(filters: AmqpValue, log: PartitionLog): number {
  const selector = selectorIn(filters)
  if (selector === undefined) return log.beginSequenceNumber
  const [, annotation, operator, value] = expression.exec(selector) ?? []
  if (annotation === undefined || operator === undefined || value === undefined) throw invalid(selector)
  const inclusive = operator === '>='
  switch (annotation.toLowerCase()) {
    case 'x-opt-offset':
      if (value === '@latest') return latest(log, inclusive)
      return after(log, ({ offset }) => offset, number(value, selector), inclusive)
    case 'x-opt-sequence-number':
      if (value === '@latest') return latest(log, inclusive)
      return after(log, ({ sequenceNumber }) => sequenceNumber, number(value, selector), inclusive)
    case 'x-opt-enqueued-time':
      return after(log, ({ enqueuedAt }) => enqueuedAt, number(value, selector), inclusive)
    default:
      throw invalid(selector)
  }
}

function selectorIn(filters: AmqpValue): string | undefined {
  const filter = filters instanceof Map ? filters.get(selectorName) : undefined
  return textOf(filter instanceof Described ? filter.value : filter)
}

/** The end of the partition; "at or after the latest" begins with the last event that is there. */
function latest(log: PartitionLog, inclusive: boolean): number {
  return inclusive ? Math.max(log.beginSequenceNumber, log.nextSequenceNumber - 1) : log.nextSequenceNumber
}

function after(log: PartitionLog, key: (event: StoredEvent) => number, start: number, inclusive: boolean): number {
  return log.findStart((event) => (inclusive ? key(event) >= start : key(event) > start))
}

function number(value: string, selector: string): number {
  if (!/^-?\d{1,18}$/.test(value)) throw invalid(selector)
  return Number(value)
}

function invalid(selector: string): AmqpError {
  return new AmqpError(
    'com.microsoft:argument-error',
    `The filter '${selector.slice(0, 200)}' is not a start position.`,
  )
}
