import type { OpenedEvent } from './sources/source.js'

/**
 * The line that a record stands in: once one of a line fails, its source delivers everything behind it again. A stream
 * is one line whatever the keys; in a FIFO queue each message group is one. Undefined: it stands by itself.
 */
export function lineOf({ permanentFailures, records }: OpenedEvent, index: number): string | undefined {
  return permanentFailures === 'stream' ? 'stream' : records[index]?.group
}
