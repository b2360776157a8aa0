import { AmqpError } from './amqp/errors.js'

// The service's limit of readers that share a partition in one consumer group.
const maxReaders = 5

export interface Reader {
  /** Set by a reader that wants to be the only one ("owner level"); the higher one wins. */
  readonly epoch: number | undefined
  disconnect(error: AmqpError): void
}

/** Who reads which partition in which consumer group. */
export class ReaderRegistry {
  readonly #readers = new Map<string, Set<Reader>>()

  /**
   * Throws `AmqpError` when the newcomer must not read. An epoch that is as high or higher disconnects the readers that
   * are there: that is how load balancing takes a partition over. Returns how to leave.
   */
  join(consumerGroup: string, partitionId: string, reader: Reader): () => void {
    const key = `${consumerGroup.toLowerCase()}/${partitionId}`
    const present = this.#readers.get(key) ?? new Set()
    const highest = Math.max(...[...present].map(({ epoch }) => epoch ?? -1))
    if (highest > (reader.epoch ?? -1)) throw stolen(`A receiver with epoch '${highest}' reads this partition already.`)
    if (reader.epoch === undefined) {
      if (present.size >= maxReaders) {
        throw new AmqpError(
          'amqp:resource-limit-exceeded',
          `At most ${maxReaders} receivers may read one partition in a consumer group.`,
        )
      }
    } else {
      const { epoch } = reader
      const error = stolen(`A new receiver with epoch '${epoch}' was created, so this receiver is disconnected.`)
      for (const other of [...present]) other.disconnect(error)
    }
    // Only now: the last of those disconnected has taken the set out of the map.
    present.add(reader)
    this.#readers.set(key, present)
    return () => {
      present.delete(reader)
      if (present.size === 0 && this.#readers.get(key) === present) this.#readers.delete(key)
    }
  }
}

function stolen(description: string): AmqpError {
  return new AmqpError('amqp:link:stolen', description)
}
