import { AmqpError } from './amqp/errors.js'
import { IdempotentProducers } from './idempotency.js'
import { partitionIndexForKey } from './partition-key-hash.js'
import { PartitionLog, type Retention, type StoredEvent } from './partition-log.js'
import { ReaderRegistry } from './reader-registry.js'

export interface Partition {
  readonly log: PartitionLog
  readonly producers: IdempotentProducers
}

export interface EventHubSettings {
  readonly name: string
  readonly partitionCount: number
  readonly consumerGroups: readonly string[]
  readonly retention: Retention
  readonly now: () => number
  /** Told of each batch that was stored, before anyone else. */
  readonly onStored?: ((partitionId: string, events: readonly StoredEvent[]) => void) | undefined
}

/** One event hub: its partitions, its consumer groups and who reads them. */
export class EventHub {
  readonly name: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
  readonly #partitions: Partition[] = []
  readonly #settings: EventHubSettings
  readonly readers = new ReaderRegistry()
  readonly #consumerGroups: ReadonlySet<string>
  #nextRoundRobin = 0

  constructor(settings: EventHubSettings) {
    this.#settings = settings
    this.name = settings.name
    this.createdAt = settings.now()
    this.#consumerGroups = new Set(['$default', ...settings.consumerGroups.map((group) => group.toLowerCase())])
    this.growTo(settings.partitionCount)
  }

  get partitions(): readonly Partition[] {
    return this.#partitions
  }

  /** Adds partitions. As in the service, keys move, events that are stored do not, and no partition ever goes. */
  growTo(partitionCount: number): void {
    const { retention, now, onStored } = this.#settings
    for (let index = this.#partitions.length; index < partitionCount; index++) {
      this.#partitions.push({
        log: new PartitionLog(String(index), retention, now, onStored),
        producers: new IdempotentProducers(),
      })
    }
  }

  get partitionIds(): string[] {
    return this.partitions.map(({ log }) => log.id)
  }

  hasConsumerGroup(name: string): boolean {
    return this.#consumerGroups.has(name.toLowerCase())
  }

  /** Throws `AmqpError` (`com.microsoft:argument-out-of-range`) when there is no such partition. */
  partition(id: string): Partition {
    const found = this.partitions.find(({ log }) => log.id === id)
    if (found !== undefined) return found
    throw new AmqpError(
      'com.microsoft:argument-out-of-range',
      `'${this.name}' has no partition '${id.slice(0, 32)}'. It should be between 0 and ${this.partitions.length - 1}.`,
    )
  }

  /** The partition of a key; without a key, each in turn. */
  choosePartition(partitionKey: string | undefined): Partition {
    const index =
      partitionKey === undefined
        ? this.#nextRoundRobin++ % this.partitions.length
        : partitionIndexForKey(partitionKey, this.partitions.length)
    const chosen = this.partitions[index]
    if (chosen === undefined) throw new AmqpError('amqp:internal-error', 'No partition was chosen.')
    return chosen
  }
}
