/** Where reading begins, in each partition. */
export type Position =
  | { readonly kind: 'earliest' }
  /** Only what comes from now on. */
  | { readonly kind: 'latest' }
  /** From this event on. */
  | { readonly kind: 'sequence-number'; readonly sequenceNumber: number }
  /** From this event on; an offset is the service's own text. */
  | { readonly kind: 'offset'; readonly offset: string }
  /** What was enqueued at this time or later; milliseconds since the Unix epoch. */
  | { readonly kind: 'time'; readonly time: number }

const forms = 'latest, earliest, a sequence number such as 42, offset:4711, or a time such as 2026-05-04T03:02:01Z'

/**
 * Reads `--from`. Offsets and sequence numbers are both numbers, so an offset says that it is one.
 *
 * @throws RangeError that names the forms
 */
export function parsePosition(text: string): Position {
  const trimmed = text.trim()
  const lower = trimmed.toLowerCase()
  if (lower === 'latest' || lower === 'earliest') return { kind: lower }
  const [, number] = /^(?:sequence(?:-number)?:)?(\d{1,16})$/i.exec(trimmed) ?? []
  if (number !== undefined && Number.isSafeInteger(Number(number))) {
    return { kind: 'sequence-number', sequenceNumber: Number(number) }
  }
  // It goes into an expression between quotes.
  const [, offset] = /^offset:([\w.:+/=-]{1,64})$/i.exec(trimmed) ?? []
  if (offset !== undefined) return { kind: 'offset', offset }
  const time = /^\d{4}-\d\d-\d\d(?:[T ].*)?$/i.test(trimmed) ? Date.parse(asUtc(trimmed)) : Number.NaN
  if (!Number.isNaN(time)) return { kind: 'time', time }
  throw new RangeError(`'${text.slice(0, 80)}' is no position to read from. Give ${forms}.`)
}

/** A time without a zone is the user's own, as everywhere in JavaScript; a bare date would be UTC there, so it gets a time. */
function asUtc(text: string): string {
  return /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00` : text.replace(' ', 'T')
}

/** What the service says of a partition. */
export interface PartitionState {
  readonly isEmpty: boolean
  readonly lastSequenceNumber: number
  readonly lastOffset: string
  /** Milliseconds since the Unix epoch. */
  readonly lastEnqueuedTime: number
}

/**
 * The filter of the link. "Latest" is turned into a number at the start, so that a connection that is lost before the
 * first event costs none.
 */
export function selectorFor(position: Position, partition: PartitionState): string {
  switch (position.kind) {
    case 'earliest':
      return "amqp.annotation.x-opt-offset > '-1'"
    case 'latest':
      return selectorAfter(partition.lastSequenceNumber)
    case 'sequence-number':
      return `amqp.annotation.x-opt-sequence-number >= '${position.sequenceNumber}'`
    case 'offset':
      return `amqp.annotation.x-opt-offset >= '${position.offset}'`
    case 'time':
      return `amqp.annotation.x-opt-enqueued-time > '${position.time - 1}'`
  }
}

/** The filter that goes on behind this event. */
export function selectorAfter(sequenceNumber: number): string {
  return `amqp.annotation.x-opt-sequence-number > '${sequenceNumber}'`
}

/** Whether the partition holds no event from there on, by now. */
export function isBehindTheEnd(position: Position, partition: PartitionState): boolean {
  if (partition.isEmpty) return true
  switch (position.kind) {
    case 'earliest':
      return false
    case 'latest':
      return true
    case 'sequence-number':
      return position.sequenceNumber > partition.lastSequenceNumber
    case 'offset':
      // Newer namespaces have offsets that are no numbers; nothing can be said of those.
      return Number(position.offset) > Number(partition.lastOffset)
    case 'time':
      return position.time > partition.lastEnqueuedTime
  }
}
