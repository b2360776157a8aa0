import { EventHubError } from '../errors.js'
import type { PartitionId } from '../transport.js'
import type { PartitionDirectory } from './partition-directory.js'
import { partitionIndexForKey } from './partition-key-hash.js'

/** Where one event goes. */
export type Route =
  /** To this partition. */
  | { readonly kind: 'partition'; readonly partitionId: string }
  /** To the event hub: the service picks, by `key` where there is one. A batch then holds one key only. */
  | { readonly kind: 'service'; readonly key: string | undefined }
  /** Not known yet: the partition ids have to be asked for first. */
  | { readonly kind: 'pending' }

export interface RouterSettings {
  readonly keyedRouting: 'local' | 'service'
  readonly unkeyedRouting: 'sticky' | 'roundRobin' | 'service'
  readonly random: () => number
}

/** Where an owner's unkeyed events go next; every owner has its own, so that owners do not disturb each other. */
export interface UnkeyedCursor {
  /** Index into the partition ids; drawn at random on first use. */
  position: number | undefined
}

/** Maps events to partitions: a partition id wins over a key, a key over nothing. */
export class Router {
  readonly #settings: RouterSettings
  readonly #directory: PartitionDirectory

  constructor(settings: RouterSettings, directory: PartitionDirectory) {
    this.#settings = settings
    this.#directory = directory
  }

  /**
   * @param mayWait whether an unkeyed event may wait for the partition ids; if not, the service picks
   *   while they are unknown, which saves a cold sender the round trips.
   */
  route(partitionId: PartitionId, partitionKey: string | undefined, cursor: UnkeyedCursor, mayWait: boolean): Route {
    const { keyedRouting, unkeyedRouting } = this.#settings
    this.#directory.refreshIfOld()
    const ids = this.#directory.ids
    if (partitionId !== undefined) {
      if (ids === undefined) this.#directory.learnBeside()
      if (ids !== undefined && !this.#directory.has(partitionId)) {
        this.#directory.refreshForUnknown()
        throw unknownPartition(partitionId, ids)
      }
      return { kind: 'partition', partitionId }
    }
    if (partitionKey !== undefined) {
      if (keyedRouting === 'service' || !this.#directory.isAvailable) return { kind: 'service', key: partitionKey }
      if (ids === undefined) return { kind: 'pending' }
      return { kind: 'partition', partitionId: at(ids, partitionIndexForKey(partitionKey, ids.length)) }
    }
    if (unkeyedRouting === 'service' || !this.#directory.isAvailable) return { kind: 'service', key: undefined }
    if (ids === undefined) return mayWait ? { kind: 'pending' } : { kind: 'service', key: undefined }
    const position = cursor.position ?? Math.floor(this.#settings.random() * ids.length)
    cursor.position = unkeyedRouting === 'roundRobin' ? position + 1 : position
    return { kind: 'partition', partitionId: at(ids, position) }
  }

  /** A batch for this partition was sealed, or it has no room: sticky routing moves on to the next. */
  moveOn(partitionId: string, cursor: UnkeyedCursor): void {
    const ids = this.#directory.ids
    if (ids === undefined || cursor.position === undefined || this.#settings.unkeyedRouting !== 'sticky') return
    if (at(ids, cursor.position) === partitionId) cursor.position = (cursor.position + 1) % ids.length
  }
}

function at(ids: readonly string[], position: number): string {
  const id = ids[position % ids.length]
  if (id === undefined) throw new EventHubError('The event hub has no partitions.', { code: 'protocol-error' })
  return id
}

function unknownPartition(partitionId: string, ids: readonly string[]): EventHubError {
  const listed =
    ids.length <= 8 ? ids.join(', ') : `${ids.slice(0, 4).join(', ')}, … ${ids.at(-1)} (${ids.length} in all)`
  return new EventHubError(`There is no partition '${partitionId}' in this event hub. It has: ${listed}.`, {
    code: 'argument-error',
    outcome: 'refused',
  })
}
