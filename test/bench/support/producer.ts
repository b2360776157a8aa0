import { Child, type Commands } from './child.js'

/** What the producer under test is told; the same for every library. All of it is plain data. */
export interface OpenArguments {
  readonly connectionString: string
  readonly style: Style
  /** Options of the library's client. */
  readonly options?: Readonly<Record<string, unknown>>
}

/**
 * How events are handed over: one by one and awaited (`direct`), as an invocation that ends at once, or buffered and
 * then flushed.
 */
export type Style = 'direct' | 'invocation' | 'buffered'

export interface Target {
  readonly partitionId?: string
  readonly partitionKey?: string
}

export interface NumberedEvent extends Target {
  readonly id: number
}

export interface Timing {
  /** Until the event hub's acknowledgement of the last event was known. */
  readonly acknowledgedInMs: number
  /** Until the last call returned: `flush()`, where there is one. */
  readonly returnedInMs: number
}

export interface StreamArguments {
  readonly firstId: number
  readonly count: number
  readonly sizeInBytes: number
  readonly partitionIds: readonly string[]
  /** What names the partition: its id, evenly; a key, one of 1000; or nothing. */
  readonly spread: 'id' | 'key' | 'none'
  /** One awaited call per event; one per array of 500; or one invocation after the other, of 100 each. */
  readonly calls: 'one' | 'arrays' | 'invocations'
  /** Bodies are made before the clock starts, to time the client alone; or one by one, as a long-lived user does. */
  readonly bodies: 'before' | 'as-sent'
}

export interface StreamTiming {
  /** CPU time of the whole process, user and system, from the first event to the end of `flush()`. */
  readonly cpuInMs: number
  /** Until the last acknowledgement. */
  readonly acknowledgedInMs: number
}

export interface BatchesArguments {
  readonly firstId: number
  readonly batchCount: number
  readonly eventsPerBatch: number
  readonly sizeInBytes: number
  readonly partitionId: string
  /** Each batch only once the one before it is acknowledged; or all at once. */
  readonly sends: 'one-by-one' | 'at-once'
}

/** What became of events, as their producer was told. */
export interface Account {
  readonly accepted: number
  readonly failed: number
  readonly elapsedInMs: number
  /** Numbers of those that failed. */
  readonly failedIds: readonly number[]
}

/** What every producer process can do. */
export interface ProducerCommands extends Commands {
  /** Keeps the arguments; the client is made by the first send, within its time. */
  open(argument: OpenArguments): void
  /** Sends these events and waits for their acknowledgement. Throws unless all are accepted. */
  send(argument: { readonly events: readonly NumberedEvent[] }): Promise<Timing>
  /** Sends many events by the buffered client, and flushes; or by invocations, where there are any. */
  stream(argument: StreamArguments): Promise<StreamTiming>
  /** Sends batches that stay in one piece to one partition; to be used on a warm link. */
  batches(argument: BatchesArguments): Promise<Timing>
  /** As `send`, but a failure is an outcome, and counted. */
  account(argument: { readonly events: readonly NumberedEvent[]; readonly timeoutInMs: number }): Promise<Account>
  memory(argument: undefined): { readonly rssInBytes: number; readonly heapInBytes: number }
  /** Closes the client, lets go of the driver, and writes how long the process lived after that. */
  leave(argument: undefined): Promise<void>
}

export type ProducerName = 'sluice' | 'official'

/** Starts a producer's process. `flags` are Node's; a profiler's may be added from outside. */
export function startProducer(name: ProducerName, flags: readonly string[] = []): Child<ProducerCommands> {
  const extra = (process.env.BENCH_PRODUCER_ARGS ?? '').split(' ').filter((flag) => flag !== '')
  return new Child<ProducerCommands>(`producer-${name}`, [...flags, ...extra])
}

/** In a producer: how long the process goes on after `close()`. */
export function reportExitTime(): void {
  const closedAt = performance.now()
  process.on('exit', () => process.stdout.write(String(performance.now() - closedAt)))
  process.removeAllListeners('disconnect')
  process.disconnect()
}
