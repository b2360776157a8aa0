import { usageError } from '../cli-error.js'
import { eventFromJson } from '../tail/event-from-json.js'
import { type Converted, type EventOptions, type Format, refused, refusedAsNoText, refusedAsTooLong } from './format.js'
import type { RawRecord } from './splitter.js'

/** Each line is a whole event, as `sluice tail --json` writes it: with its key, its properties and its kind of body. */
export class EventsFormat implements Format {
  readonly name = 'events'
  readonly csvDelimiter = undefined
  readonly columns = undefined
  readonly #partitionId: string | undefined
  readonly #maxSize: number

  constructor({ partitionId, ...options }: EventOptions, maxRecordSizeInBytes: number) {
    this.#partitionId = partitionId
    this.#maxSize = maxRecordSizeInBytes
    const given = [options.key, options.messageId, options.contentType]
    const properties = Object.keys({ ...options.properties, ...options.propertyFields })
    if (properties.length > 0 || given.some((each) => each !== undefined)) {
      throw usageError(
        'Each event of --format events says itself what its key, message id, content type and properties are. Leave --key, --message-id, --content-type and --property out.',
      )
    }
  }

  *convert(records: readonly RawRecord[]): Iterable<Converted> {
    for (const raw of records) {
      yield refusedAsTooLong(raw, this.#maxSize) ?? refusedAsNoText(raw) ?? this.#convert(raw)
    }
  }

  #convert(raw: RawRecord): Converted {
    const text = raw.bytes.toString()
    if (text.trim() === '') return { kind: 'skipped', raw }
    let json: unknown
    try {
      json = JSON.parse(text)
    } catch {
      return refused(raw, 'invalid-json', 'It is not JSON.')
    }
    try {
      const { event, partitionKey } = eventFromJson(json)
      return { kind: 'event', raw, event, target: this.#target(partitionKey) }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      return refused(raw, 'invalid-event', `It is no event as \`sluice tail --json\` writes it: ${error.message}`)
    }
  }

  /** A partition that all are sent to wins over keys, as everywhere. */
  #target(partitionKey: string | undefined): Extract<Converted, { kind: 'event' }>['target'] {
    if (this.#partitionId !== undefined) return { partitionId: this.#partitionId }
    return partitionKey === undefined ? undefined : { partitionKey }
  }
}
