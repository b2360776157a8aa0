import { randomUUID } from 'node:crypto'

/** What the runtime reports of an error: of the handler's, or of its own. */
export interface ReportedError {
  readonly errorType: string
  readonly errorMessage: string
  readonly trace?: readonly string[]
}

/** A part of a streamed response. */
export interface Chunk {
  readonly text: string
  /** Milliseconds since the invocation was handed out. */
  readonly atInMs: number
}

/** How an invocation ended, as Lambda sees it. */
export type Outcome =
  | { readonly kind: 'response'; readonly payload: unknown }
  | { readonly kind: 'error'; readonly error: ReportedError }
  | {
      readonly kind: 'stream'
      readonly contentType: string | undefined
      readonly chunks: readonly Chunk[]
      /** Why it ended as failed; undefined when it is whole. */
      readonly error: ReportedError | undefined
    }
  /** The deadline passed without an answer: Lambda would have killed the process. */
  | { readonly kind: 'timed-out' }
  /** The process ended without an answer. */
  | { readonly kind: 'exited' }

export type Answer = Outcome & {
  readonly requestId: string
  /** Milliseconds from handing the invocation out to the end of its answer. */
  readonly tookInMs: number
}

export interface InvokeOptions {
  /** From handing out to the deadline that the function gets to see, in milliseconds. Default: 10,000. */
  readonly timeoutInMs?: number
}

/** An invocation that the runtime has got. */
export interface RunningInvocation {
  readonly requestId: string
  readonly event: unknown
  /** Milliseconds since the Unix epoch. */
  readonly handedOutAt: number
  readonly deadline: number
}

/** Takes an invocation to the runtime. */
type Taker = (invocation: RunningInvocation) => void

/** Lambda's queue for one execution environment. */
export interface Invocations {
  invoke(event: unknown, options?: InvokeOptions): Promise<Answer>
  /** The runtime asks for one. Returns what takes the request back. */
  next(taker: Taker): () => void
  running(requestId: string): RunningInvocation | undefined
  /** False when the invocation is not running any more. */
  end(requestId: string, outcome: Outcome): boolean
  /** Resolves when the runtime waits for an invocation. */
  idle(): Promise<void>
  /** Whatever has no answer has none now. */
  processExited(): void
}

interface Pending {
  readonly event: unknown
  readonly timeoutInMs: number
  readonly settle: (answer: Answer) => void
}

export function createInvocations(): Invocations {
  const queue: Pending[] = []
  const takers: Taker[] = []
  const running = new Map<string, RunningInvocation & Pick<Pending, 'settle'>>()
  const whenIdle: (() => void)[] = []
  let hasExited = false

  const end = (requestId: string, outcome: Outcome): boolean => {
    const found = running.get(requestId)
    if (!found) return false
    running.delete(requestId)
    found.settle({ ...outcome, requestId, tookInMs: Date.now() - found.handedOutAt })
    return true
  }

  const start = ({ event, timeoutInMs, settle }: Pending, taker: Taker | undefined): void => {
    const handedOutAt = Date.now()
    const invocation = { requestId: randomUUID(), event, handedOutAt, deadline: handedOutAt + timeoutInMs, settle }
    running.set(invocation.requestId, invocation)
    taker?.(invocation)
    setTimeout(() => end(invocation.requestId, { kind: 'timed-out' }), timeoutInMs).unref()
  }

  const endAll = (): void => {
    for (const pending of queue.splice(0)) start(pending, undefined)
    for (const requestId of [...running.keys()]) end(requestId, { kind: 'exited' })
  }

  const handOut = (): void => {
    if (hasExited) endAll()
    while (queue.length > 0 && takers.length > 0) start(queue.shift() as Pending, takers.shift())
    if (takers.length > 0) for (const resolve of whenIdle.splice(0)) resolve()
  }

  return {
    invoke: (event, { timeoutInMs = 10_000 } = {}) =>
      new Promise((settle) => {
        queue.push({ event, timeoutInMs, settle })
        handOut()
      }),
    next: (taker) => {
      takers.push(taker)
      handOut()
      return () => {
        const index = takers.indexOf(taker)
        if (index >= 0) takers.splice(index, 1)
      }
    },
    running: (requestId) => running.get(requestId),
    end,
    idle: () =>
      new Promise((resolve) => {
        whenIdle.push(resolve)
        handOut()
      }),
    processExited: () => {
      hasExited = true
      endAll()
    },
  }
}
