import type { Clock } from '../../core/clock.js'
import {
  abortedError,
  type EventHubError,
  EventHubError as HubError,
  OperationTimeoutError,
} from '../../core/errors.js'
import { assertIsEvent, bodyToBytes, type EventInput } from '../../core/event-data.js'
import type {
  EncodedEvent,
  EventHubProperties,
  OperationLimits,
  PartitionId,
  PartitionProperties,
  Transport,
} from '../../core/transport.js'

export interface FakeEvent extends EncodedEvent {
  readonly text: string
}

export interface FakeSend {
  readonly partitionId: PartitionId
  readonly bodies: readonly string[]
  readonly keys: readonly (string | undefined)[]
  accept(): void
  fail(error: EventHubError): void
  readonly isSettled: boolean
}

export interface FakeTransportOptions {
  readonly partitionIds?: readonly string[] | undefined
  readonly maxBatchSizeInBytes?: number
  readonly canReadProperties?: boolean
  /** What becomes of a send; undefined leaves it open for the test to settle. */
  readonly onSend?: (send: FakeSend, attempt: number) => void
  /** Ignores aborts and deadlines, against the contract. */
  readonly ignoresLimits?: boolean
}

/** A transport that keeps the contract and does what the test says. Every event costs its UTF-8 body plus 10 bytes. */
export class FakeTransport implements Transport<FakeEvent> {
  readonly name = 'fake'
  readonly canReadProperties: boolean
  readonly canRetryIdempotently = true
  readonly sends: FakeSend[] = []
  readonly options: FakeTransportOptions
  partitionIds: readonly string[]
  batchLimit: number
  propertyReads = 0
  retired = 0
  livenessChecks = 0
  isClosed = false
  /** Set to fail the reading of properties. */
  propertiesError: EventHubError | undefined
  /** Set to fail the warming up. */
  warmUpError: EventHubError | undefined
  /** Set to hold the reading of properties back until it resolves. */
  propertiesGate: Promise<void> | undefined
  readonly #clock: Clock

  constructor(clock: Clock, options: FakeTransportOptions = {}) {
    this.#clock = clock
    this.options = options
    this.partitionIds = options.partitionIds ?? ['0', '1', '2', '3']
    this.batchLimit = options.maxBatchSizeInBytes ?? 1_000_000
    this.canReadProperties = options.canReadProperties ?? true
  }

  readonly codec = {
    encode(event: EventInput, partitionKey: string | undefined): FakeEvent {
      assertIsEvent(event)
      const bytes = bodyToBytes(event.body)
      const text = new TextDecoder().decode(bytes)
      return { text, sizeInBytes: bytes.length + 10, partitionKey, solo: text.startsWith('solo') }
    },
    envelopeSizeInBytes: () => 20,
  }

  get openSends(): FakeSend[] {
    return this.sends.filter((send) => !send.isSettled)
  }

  maxBatchSizeInBytes(): number {
    return this.batchLimit
  }

  send(partitionId: PartitionId, events: readonly FakeEvent[], limits: OperationLimits): Promise<void> {
    return new Promise((resolve, reject) => {
      let isSettled = false
      const settle = (finish: () => void) => {
        if (isSettled) return
        isSettled = true
        cancel()
        limits.signal?.removeEventListener('abort', onAbort)
        finish()
      }
      const onAbort = () => settle(() => reject(abortedError(limits.signal?.reason, 'unknown')))
      const send: FakeSend = {
        partitionId,
        bodies: events.map((event) => event.text),
        keys: events.map((event) => event.partitionKey),
        accept: () => settle(resolve),
        fail: (error) => settle(() => reject(error)),
        get isSettled() {
          return isSettled
        },
      }
      let cancel = () => {}
      if (!this.options.ignoresLimits) {
        cancel = this.#clock.schedule(limits.deadline - this.#clock.monotonicNow(), () =>
          settle(() => reject(new OperationTimeoutError('no acknowledgement', { outcome: 'unknown' }))),
        )
        limits.signal?.addEventListener('abort', onAbort, { once: true })
      }
      this.sends.push(send)
      if (limits.signal?.aborted) onAbort()
      else this.options.onSend?.(send, this.sends.length)
    })
  }

  async getEventHubProperties(): Promise<EventHubProperties> {
    this.propertyReads++
    await this.propertiesGate
    if (this.propertiesError) throw this.propertiesError
    return { eventHubName: 'events', createdAt: new Date(0), partitionIds: this.partitionIds }
  }

  async getPartitionProperties(partitionId: string): Promise<PartitionProperties> {
    if (!this.partitionIds.includes(partitionId)) throw new HubError('no such partition', { code: 'entity-not-found' })
    return {
      id: partitionId,
      eventHubName: 'events',
      beginningSequenceNumber: 0,
      lastEnqueuedSequenceNumber: -1,
      lastEnqueuedOffset: '-1',
      lastEnqueuedTimeUtc: new Date(0),
      isEmpty: true,
    }
  }

  async warmUp(): Promise<void> {
    if (this.warmUpError) throw this.warmUpError
  }

  checkLiveness(): void {
    this.livenessChecks++
  }

  retireConnection(): void {
    this.retired++
  }

  async close(): Promise<void> {
    this.isClosed = true
  }
}
