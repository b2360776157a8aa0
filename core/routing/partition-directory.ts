import { bounded } from '../deadline.js'
import { EventHubError, OperationTimeoutError, toEventHubError } from '../errors.js'
import type { RetryEnvironment } from '../retry.js'
import { runWithRetries } from '../retry.js'
import type { OperationLimits, Transport } from '../transport.js'

/** An event hub can get more partitions at any time; what was learnt longer ago than this is asked for again. */
const idsAgeInMs = 5 * 60 * 1000
/** However often an unknown partition is named, or an answer fails to come. */
const shortestRefreshIntervalInMs = 10_000

type PropertyReader = Pick<Transport, 'canReadProperties' | 'getEventHubProperties'>

/**
 * The event hub's partition ids: given, and then taken as they are; or asked for when first needed, remembered as
 * plain values, and asked for again beside later sends.
 */
export class PartitionDirectory {
  readonly #transport: PropertyReader
  readonly #retry: RetryEnvironment
  readonly #closing: AbortSignal | undefined
  readonly #areGiven: boolean
  #ids: readonly string[] | undefined
  #known: ReadonlySet<string>
  /** By wall clock: a frozen process must see that time has passed. */
  #learntAt = Number.NEGATIVE_INFINITY
  #triedAt = Number.NEGATIVE_INFINITY

  /** @param closing ends what is asked for beside sends, which nobody else would end */
  constructor(
    transport: PropertyReader,
    given: readonly string[] | undefined,
    retry: RetryEnvironment,
    closing?: AbortSignal,
  ) {
    this.#transport = transport
    this.#closing = closing
    this.#areGiven = given !== undefined
    this.#ids = given
    this.#known = new Set(given)
    this.#retry = retry
  }

  /** In the service's order, which is what key hashes index. Undefined until known. */
  get ids(): readonly string[] | undefined {
    return this.#ids
  }

  /** Whether this is one of the ids, once they are known. */
  has(partitionId: string): boolean {
    return this.#known.has(partitionId)
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
    this.learn(partitionIds)
    return partitionIds
  }

  /** Remembers what the service has said, whoever asked. */
  learn(partitionIds: readonly string[]): void {
    if (this.#areGiven || partitionIds.length === 0) return
    this.#ids = [...partitionIds]
    this.#known = new Set(partitionIds)
    this.#learntAt = this.#retry.clock.wallNow()
  }

  /** Called beside a send: asks again for ids that are old. Nobody waits for the answer; until then the old ones hold. */
  refreshIfOld(): void {
    this.#refreshIfOlderThan(idsAgeInMs)
  }

  /** Called when a partition was named that is not among the ids: there may be one by now. */
  refreshForUnknown(): void {
    this.#refreshIfOlderThan(shortestRefreshIntervalInMs)
  }

  /**
   * Called beside a send that names its partition and needs no ids: with them, its typos are told at once, and the
   * transport can prepare the other partitions.
   */
  learnBeside(): void {
    if (this.#ids === undefined && this.#transport.canReadProperties) {
      this.#askIfOlderThan(shortestRefreshIntervalInMs)
    }
  }

  #refreshIfOlderThan(ageInMs: number): void {
    if (!this.#areGiven && this.#ids !== undefined) this.#askIfOlderThan(ageInMs)
  }

  #askIfOlderThan(ageInMs: number): void {
    const now = this.#retry.clock.wallNow()
    // The wall clock may have been set back.
    if (Math.abs(now - this.#learntAt) < ageInMs || Math.abs(now - this.#triedAt) < shortestRefreshIntervalInMs) return
    this.#triedAt = now
    this.#refresh().catch((error) => {
      const { message } = toEventHubError(error)
      this.#retry.logger?.debug?.(`eventhub-sluice: the partition ids could not be asked for: ${message}`)
    })
  }

  /** One attempt: there will be another send. */
  async #refresh(): Promise<void> {
    const { clock, policy } = this.#retry
    const limits = { deadline: clock.monotonicNow() + policy.tryTimeoutInMs, signal: this.#closing }
    const ranOut = () => new OperationTimeoutError('No answer came in time.')
    const { partitionIds } = await bounded(clock, this.#transport.getEventHubProperties(limits), limits, ranOut)
    this.learn(partitionIds)
  }
}
