import { basename } from 'node:path'
import { EventHubError, type EventHubProducerClient, type Logger } from '../../../core/index.js'
import { CliError, usageError } from '../cli-error.js'
import type { GlobalOptions } from '../context.js'
import type { CliEnvironment } from '../environment.js'
import { type ExitCode, exitCodes } from '../exit-codes.js'
import { describeError } from '../explain.js'
import { printable, printableJson } from '../printable.js'
import { clientFor, readTarget, type Target } from '../target.js'
import { DeadLetterFile } from './dead-letters.js'
import { type Input, openFile, openStream } from './input.js'
import { Ledger, noTotals } from './ledger.js'
import type { LedgerState } from './ledger-format.js'
import { takeLock } from './lock.js'
import { pathsFor } from './paths.js'
import { Progress, type ProgressStyle } from './progress.js'
import { nothingSent, type SendEnd, type SendJob } from './send-job.js'
import { type MakeFormat, readFormat, type SendCommandOptions } from './send-options.js'
import { SendRun } from './send-run.js'
import { Stopping } from './stopping.js'
import { exitCodeFor, type SendResult, summaryJson, summaryText } from './summary.js'

type Options = SendCommandOptions & GlobalOptions

/** Longest wait before a batch that is not full is sent. */
const maxWaitTimeInMs = 200
/** Per partition. One batch of them at a time is under way: at most so many records may arrive twice after a kill. */
const maxBufferLength = 5000
/**
 * Over HTTPS each key has batches of its own, and all share one buffer. Filled and flushed in turn they get as
 * large as they can; in a buffer that is always full those of a thousand keys stay small, which is ten times slower.
 */
const flushEveryOverHttps = 20_000
const maxBufferSizeInBytes = 32 * 1024 * 1024
/** About two minutes of trying before a run that was under way gives up. */
const retryOptions = { maxRetries: 10, maxRetryDelayInMs: 15_000 }

/** Everything that is settled before anything is opened. */
interface Plan {
  readonly file: string
  readonly options: Options
  readonly environment: CliEnvironment
  readonly makeFormat: MakeFormat
  readonly formatIdentity: string
  readonly ledgerPath: string | undefined
  readonly deadLetterPath: string
}

/** `sluice send FILE`. */
export async function send(named: string, options: Options, environment: CliEnvironment): Promise<ExitCode> {
  // Another file each time: a ledger beside it would be that of another job.
  const file = named === '/dev/stdin' ? '-' : named
  const paths = pathsFor(file, options)
  const { make: makeFormat, identity: formatIdentity } = readFormat(file, options)
  const target = await readTarget(options, environment)
  const plan = { file, options, environment, makeFormat, formatIdentity, ...paths }
  const sender = new Sender(plan, target)
  const release = plan.ledgerPath === undefined ? () => {} : takeLock(`${plan.ledgerPath}.lock`)
  const stopping = new Stopping(environment, release)
  try {
    return await sender.send(stopping)
  } finally {
    await sender.close()
    stopping.end()
    release()
  }
}

/** The client, the input and the rest, from the first to the last. */
class Sender {
  readonly #plan: Plan
  readonly #client: EventHubProducerClient
  /** `NAMESPACE/EVENTHUB`. */
  readonly #target: string
  #input: Input | undefined
  #run: SendRun | undefined
  #progress: Progress | undefined
  #before: LedgerState | undefined
  #startedAt = 0
  #isClosed = false

  constructor(plan: Plan, target: Target) {
    this.#plan = plan
    this.#client = clientFor(target, {
      bufferedMode: true,
      onSuccess: (events) => this.#run?.accepted(events),
      onError: (events, _partitionId, error) => this.#run?.failed(events, error),
      maxWaitTimeInMs,
      maxBufferLength: plan.options.transport === 'https' ? flushEveryOverHttps : maxBufferLength,
      maxBufferSizeInBytes,
      retryOptions,
      enableIdempotentRetries: plan.options.idempotent === true,
      userAgent: 'sluice-cli',
      logger: this.#logger(),
    })
    this.#target = `${this.#client.fullyQualifiedNamespace}/${this.#client.eventHubName}`
  }

  async send(stopping: Stopping): Promise<ExitCode> {
    const { options, environment } = this.#plan
    this.#startedAt = environment.now()
    try {
      const job = await this.#prepare(stopping)
      if (job) return await this.#perform(job, stopping)
    } catch (error) {
      if (!options.json) throw error
      return this.#tell({ kind: 'failed', error })
    }
    return this.#tell({ kind: 'interrupted', signal: stopping.stoppedBy ?? 'SIGINT' })
  }

  /** Whatever can be wrong before a record is read; undefined: it was stopped. */
  async #prepare(stopping: Stopping): Promise<SendJob | undefined> {
    const { options, makeFormat, formatIdentity, ledgerPath, deadLetterPath } = this.#plan
    const subject = { target: this.#target, format: formatIdentity }
    if (ledgerPath && options.restart) Ledger.assertMayReplace(ledgerPath)
    else if (ledgerPath) this.#before = Ledger.read(ledgerPath, subject)
    const before = this.#before
    const format = makeFormat(before?.columns)
    // A FIFO that nobody writes to and a terminal are waited for; a file of many gigabytes is compared.
    const input = await stopping.unlessStopped(this.#open(before))
    if (input === undefined) return undefined
    stopping.onStop(() => input.stop())
    const isAllSent = input.file !== undefined && !input.isGzip && input.from.offset === input.file.size
    if (!isAllSent) await this.#assertMaySend(stopping)
    if (stopping.stoppedBy) return undefined
    const { maxRecordSize: maxRecordSizeInBytes, keepGoing = false, stopTimeout } = options
    const isKeyed = (options.key ?? options.keyColumn) !== undefined
    return {
      input,
      format,
      openLedger: ledgerPath ? (whole) => Ledger.open(ledgerPath, subject, whole) : undefined,
      before,
      deadLetters: new DeadLetterFile(deadLetterPath),
      maxRecordSizeInBytes,
      keepGoing,
      stopTimeoutInMs: stopTimeout * 1000,
      flushEvery: isKeyed && this.#client.transportName === 'https' ? flushEveryOverHttps : undefined,
    }
  }

  async #perform(job: SendJob, stopping: Stopping): Promise<ExitCode> {
    const { options, environment } = this.#plan
    const run = new SendRun(job, this.#client)
    this.#run = run
    this.#startedAt = environment.now()
    this.#startProgress(run, job.input)
    const stopSyncing = environment.every(1000, () => run.syncLedger())
    stopping.onStop((signal) => {
      this.#note(`Stopping: what is under way has ${options.stopTimeout} seconds. Press Ctrl+C again to stop at once.`)
      run.interrupt(signal)
    })
    const end = await run.run()
    stopSyncing()
    this.#progress?.end()
    job.deadLetters.close()
    return this.#tell(end)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#progress?.end()
    await this.#client.close({ flush: false })
    await this.#input?.close()
  }

  async #open(before: Parameters<typeof openFile>[1]): Promise<Input> {
    const { file, environment } = this.#plan
    const input =
      file === '-' ? await openStream(environment.stdin, 'standard input', before) : await openFile(file, before)
    // It was not waited for.
    if (this.#isClosed) await input.close()
    else this.#input = input
    return input
  }

  /** A wrong key, name or partition is told before a record is read. HTTPS cannot ask; there the first send tells. */
  async #assertMaySend({ signal }: Stopping): Promise<void> {
    if (this.#client.transportName === 'https') return
    const { partition, connectTimeout } = this.#plan.options
    let partitionIds: string[]
    try {
      partitionIds = await this.#client.getPartitionIds({ abortSignal: signal, timeoutInMs: connectTimeout * 1000 })
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof EventHubError) || !error.retryable) throw error
      throw new CliError(error.message, exitCodes.incomplete, error)
    }
    if (partition === undefined || partitionIds.includes(partition)) return
    throw usageError(`${this.#target} has no partition '${partition}'. It has: ${partitionIds.join(', ')}.`)
  }

  #startProgress(run: SendRun, input: Input): void {
    const { file, options, environment } = this.#plan
    const isSeekable = input.file !== undefined && !input.isGzip
    this.#progress = new Progress(
      environment,
      file === '-' ? 'stdin' : printable(basename(file)),
      styleOf(options, environment),
      () => ({
        accepted: run.counts.now.accepted,
        refused: run.counts.now.refused,
        bytes: isSeekable ? run.settledOffset : input.fileBytesRead(),
        totalBytes: input.file?.size,
      }),
    )
  }

  #tell(end: SendEnd): ExitCode {
    const { file, options, environment, ledgerPath, deadLetterPath } = this.#plan
    const before = this.#before?.totals ?? noTotals
    const result: SendResult = {
      file,
      target: this.#target,
      end,
      counts: this.#run?.counts ?? nothingSent(before),
      settledBefore: before.accepted + before.refused + before.skipped,
      deadLetterPath,
      ledgerPath,
      isRestart: options.restart === true,
      // The clock may have been set back.
      durationInMs: Math.max(0, environment.now() - this.#startedAt),
    }
    if (options.json) environment.stdout.write(`${printableJson(JSON.stringify(summaryJson(result)))}\n`)
    else if (!options.quiet) environment.stdout.write(summaryText(result))
    if (end.kind === 'failed') {
      environment.stderr.write(`sluice: ${describeError(end.error, options.verbose)}\n`)
    }
    return exitCodeFor(result)
  }

  #note(text: string): void {
    const line = printable(text)
    if (this.#progress) this.#progress.note(line)
    else this.#plan.environment.stderr.write(`${line}\n`)
  }

  #logger(): Logger {
    const note = (message: string) => this.#note(message)
    return { error: note, warn: note, ...(this.#plan.options.verbose && { info: note, debug: note }) }
  }
}

function styleOf({ quiet, json }: Options, { stderr }: CliEnvironment): ProgressStyle {
  if (quiet) return 'none'
  if (json) return 'json'
  return stderr.isTTY ? 'bar' : 'lines'
}
