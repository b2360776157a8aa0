import { EventHubError, type EventHubProducerClient, type EventInput } from '../../../core/index.js'
import { CliError } from '../cli-error.js'
import { exitCodes, type StopSignal } from '../exit-codes.js'
import type { Converted, Refusal } from './format.js'
import type { Input } from './input.js'
import type { SendCounts, SendEnd, SendJob } from './send-job.js'
import { Settlement } from './settlement.js'
import { type Block, type RawRecord, RecordSplitter } from './splitter.js'

/** Longest wait for room in the buffer. The client's retries end long before; this only has to be more than they take. */
const roomTimeoutInMs = 24 * 60 * 60 * 1000
const flushTimeoutInMs = 60_000

/** Refusals that are about one event. Any other would meet the next event as well, so it ends the run. */
const eventCodes: ReadonlySet<string> = new Set(['argument-error', 'event-too-large', 'not-supported'])

/** What the event hub's tier or settings forbid, they forbid to all. */
const notAllowed = 'amqp:not-allowed'

/** What the run hands to the client: the event, and where it came from, in a field that the client does not see. */
const origin = Symbol('origin')
type TrackedEvent = EventInput & { [origin]?: RawRecord }

/**
 * Sends the records of an input through a client in buffered mode, and keeps the ledger.
 *
 *     chunk -> block of records -> events -> the client's buffer -> accepted | refused | unknown, returned
 *                                                                        '-> ledger  '-> dead letters, ledger
 *
 * What is unknown or returned is in neither: the next run sends it again.
 */
export class SendRun {
  readonly #job: SendJob
  readonly #client: EventHubProducerClient
  readonly #settlement: Settlement
  /** Aborts when no more is to be read or taken. */
  readonly #stop = new AbortController()
  #signal: StopSignal | undefined
  #failure: { readonly error: unknown } | undefined
  /** A callback could not write what it had to: the files stay as they are. */
  #cannotWrite = false
  #unknown = 0
  #returned = 0
  #taken = 0
  #isLastUnfinished = false
  /** From here on what is given back is so by our own doing. */
  #isClosing = false

  /** @param client in buffered mode; its callbacks have to call `accepted` and `failed`. It is closed by the run. */
  constructor(job: SendJob, client: EventHubProducerClient) {
    this.#job = job
    this.#settlement = new Settlement(job)
    this.#client = client
  }

  get counts(): SendCounts {
    const { now, total, untold } = this.#settlement
    return {
      now,
      total,
      untold,
      unknown: this.#unknown,
      returned: this.#returned,
      isLastUnfinished: this.#isLastUnfinished,
    }
  }

  /** Bytes of the input before which everything is settled. */
  get settledOffset(): number {
    return this.#settlement.position.offset
  }

  /** Sees to it, in the background, that the ledger outlives a power cut. */
  syncLedger(): void {
    this.#guarded(() => this.#settlement.sync())
  }

  /** Stops reading, and leaves what is buffered `stopTimeoutInMs`. */
  interrupt(signal: StopSignal): void {
    this.#signal ??= signal
    this.#stopReading()
  }

  /** Never rejects. Afterwards the client is closed, and the ledger says how things stand. */
  async run(): Promise<SendEnd> {
    try {
      const readFailure = await this.#readAll()
      await this.#flush()
      if (readFailure) this.#fail(readFailure.error)
      else if (this.#failure === undefined) {
        this.#settlement.finish(this.#signal === undefined && !this.#isLastUnfinished)
      }
    } catch (error) {
      this.#fail(error)
    }
    this.#isClosing = true
    await this.#client.close({ flush: false })
    this.#closeLedger()
    if (this.#failure) return { kind: 'failed', error: this.#failure.error }
    return this.#signal ? { kind: 'interrupted', signal: this.#signal } : { kind: 'complete' }
  }

  /** Returns why the input could not be read to its end; what came before that is sent all the same. */
  async #readAll(): Promise<ReadFailure | undefined> {
    const { input, format, maxRecordSizeInBytes } = this.#job
    const splitter = new RecordSplitter({ maxRecordSizeInBytes, csvDelimiter: format.csvDelimiter, from: input.from })
    for await (const read of chunksOrFailure(input)) {
      if (this.#stop.signal.aborted) return undefined
      if (!Buffer.isBuffer(read)) {
        // It is another input than that of the earlier runs: nothing more of it is to be sent.
        if (read.error instanceof CliError && read.error.exitCode === exitCodes.usage) throw read.error
        return read
      }
      const block = splitter.push(read)
      if (block) await this.#send(block)
      if (this.#stop.signal.aborted) return undefined
    }
    // What was cut off, by ourselves, may be half a record.
    if (this.#stop.signal.aborted) return undefined
    const last = splitter.finish()
    if (last) await this.#send(last)
    return undefined
  }

  async #send(block: Block): Promise<void> {
    const settlement = this.#settlement
    settlement.read(block.end)
    for (const number of block.emptyRecords) if (!settlement.isSettled(number)) settlement.skip(number)
    const unsettled = block.records.filter(({ number }) => !settlement.isSettled(number))
    for (const converted of this.#job.format.convert(unsettled)) {
      // Somebody may be writing it: a refusal now would be of half a record. Where nothing is kept, no run comes after this.
      if (converted.kind === 'refused' && block.end.isOpen && this.#job.openLedger !== undefined) {
        this.#isLastUnfinished = true
        return
      }
      await this.#give(converted)
      if (this.#stop.signal.aborted) return
    }
  }

  async #give(converted: Converted): Promise<void> {
    const { raw } = converted
    if (converted.kind === 'skipped') {
      this.#settlement.skip(raw.number)
      return
    }
    if (converted.kind === 'refused') {
      this.#refuse(raw, converted.refusal, this.#taken > 0)
      return
    }
    const event: TrackedEvent = converted.event
    event[origin] = raw
    try {
      await this.#client.sendEvent(event, {
        ...converted.target,
        timeoutInMs: roomTimeoutInMs,
        abortSignal: this.#stop.signal,
      })
      this.#taken++
      const { flushEvery } = this.#job
      if (flushEvery !== undefined && this.#taken % flushEvery === 0) await this.#flush()
    } catch (error) {
      if (isAboutTheEvent(error)) this.#refuse(raw, refusalOf(error), this.#taken > 0)
      else if (!this.#stop.signal.aborted) this.#fail(error)
    }
  }

  /** Until all is settled, or the run is to end. */
  async #flush(): Promise<void> {
    const pending = () => (this.#client.totalBufferedEventCount ?? 0) > 0
    while (pending() && !this.#stop.signal.aborted) await this.#flushFor(flushTimeoutInMs, this.#stop.signal)
    if (pending() && this.#failure === undefined) await this.#flushFor(this.#job.stopTimeoutInMs)
  }

  async #flushFor(timeoutInMs: number, abortSignal?: AbortSignal): Promise<void> {
    try {
      await this.#client.flush({ timeoutInMs, abortSignal })
    } catch (error) {
      const code = error instanceof EventHubError ? error.code : undefined
      if (code !== 'timeout' && code !== 'aborted' && code !== 'client-closed') throw error
    }
  }

  /** What `onSuccess` of the client tells. */
  accepted(events: readonly EventInput[]): void {
    this.#guarded(() => this.#settlement.accept(events.map((event) => rawOf(event).number)))
  }

  /** What `onError` of the client tells. */
  failed(events: readonly EventInput[], error: EventHubError): void {
    if (error.outcome === 'refused' && eventCodes.has(error.code) && error.condition !== notAllowed) {
      this.#guarded(() => {
        const isProven = this.#settlement.now.accepted > 0
        for (const event of events) this.#refuse(rawOf(event), refusalOf(error), isProven)
      })
      return
    }
    if (error.outcome === 'unknown') this.#unknown += events.length
    else this.#returned += events.length
    // Later events of the same partition must not overtake these: nothing leaves after this.
    if (!this.#isClosing) this.#fail(error)
  }

  /** @param isProven whether something was right already, so that this is about the record alone */
  #refuse(raw: RawRecord, refusal: Refusal, isProven: boolean): void {
    const first = this.#settlement.refuse({ raw, refusal }, isProven)
    if (first === undefined) return
    const { number } = first.raw
    this.#fail(
      new CliError(
        `Every record so far was refused, so this looks like a wrong format or option. Record ${number}: ${first.refusal.reason} Nothing was sent or dead-lettered. To go on all the same, add --keep-going.`,
      ),
    )
  }

  /** For what runs in the client's callbacks: a disk that is full must end the run, not vanish in a log. */
  #guarded(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#cannotWrite = true
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    if (this.#failure) return
    this.#failure = { error }
    this.#stopReading()
    void this.#client.close({ flush: false })
  }

  #stopReading(): void {
    this.#stop.abort()
    this.#job.input.stop()
  }

  #closeLedger(): void {
    try {
      if (this.#cannotWrite) this.#settlement.abandon()
      else this.#settlement.close()
    } catch (error) {
      this.#failure ??= { error }
    }
  }
}

interface ReadFailure {
  readonly error: unknown
}

async function* chunksOrFailure(input: Input): AsyncGenerator<Buffer | ReadFailure, void> {
  try {
    yield* input.chunks
  } catch (error) {
    yield { error }
  }
}

function rawOf(event: TrackedEvent): RawRecord {
  const raw = event[origin]
  if (raw === undefined) throw new Error('The client told of an event that it was not given.')
  return raw
}

function isAboutTheEvent(error: unknown): error is Error {
  if (error instanceof EventHubError) return error.outcome === 'refused' && eventCodes.has(error.code)
  return error instanceof TypeError || error instanceof RangeError
}

function refusalOf(error: Error): Refusal {
  return { code: error instanceof EventHubError ? error.code : 'argument-error', reason: error.message }
}
