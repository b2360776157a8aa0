import { EventHubError } from '../errors.js'
import type { RetryEnvironment } from '../retry.js'
import { runWithRetries } from '../retry.js'
import type { OperationLimits, Transport } from '../transport.js'

/** The event hub's partition ids: given, or asked for once and remembered as plain values. */
export class PartitionDirectory {
  readonly #transport: Pick<Transport, 'canReadProperties' | 'getEventHubProperties'>
  readonly #retry: RetryEnvironment
  #ids: readonly string[] | undefined

  constructor(
    transport: Pick<Transport, 'canReadProperties' | 'getEventHubProperties'>,
    given: readonly string[] | undefined,
    retry: RetryEnvironment,
  ) {
    this.#transport = transport
    this.#ids = given
    this.#retry = retry
  }

  /** In the service's order, which is what key hashes index. Undefined until known. */
  get ids(): readonly string[] | undefined {
    return this.#ids
  }

  /** Whether the ids are known or can be asked for. */
  get isAvailable(): boolean {
    return this.#ids !== undefined || this.#transport.canReadProperties
  }

  async load(limits: OperationLimits): Promise<readonly string[]> {
    const { partitionIds } = await runWithRetries(
      (attempt) => this.#transport.getEventHubProperties(attempt),
      this.#retry,
      limits,
    )
    if (partitionIds.length === 0) {
      throw new EventHubError('The service described the event hub without partition ids.', { code: 'protocol-error' })
    }
    this.#ids = partitionIds
    return partitionIds
  }
}
