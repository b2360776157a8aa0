import type { Readable } from 'node:stream'
import type { StopSignal } from './exit-codes.js'

/** Where a command writes to. */
export interface CliOutput {
  /** Whether a person is watching, so that a line may be drawn over. */
  readonly isTTY: boolean
  /** Width in characters; 80 where it is not known. */
  readonly columns: number
  /** False once the buffer is full; `drained` then tells when to go on. What comes after the reader has gone is dropped. */
  write(text: string | Uint8Array): boolean
  /** Resolves once there is room again, or nobody reads any more. */
  drained(): Promise<void>
  /** Aborts when the reader has gone (EPIPE), as `head` does when it has seen enough. */
  readonly closed: AbortSignal
}

/** All that a command sees of its process, so that tests run commands within theirs. */
export interface CliEnvironment {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: CliOutput
  readonly stderr: CliOutput
  readonly env: Readonly<Record<string, string | undefined>>
  /** Milliseconds since 1970. */
  now(): number
  /** Calls back every so often, until the returned function is called. Does not keep the process alive. */
  every(intervalInMs: number, callback: () => void): () => void
  /** Called at each SIGINT and SIGTERM, in place of the process's end, until the returned function is called. */
  onSignal(listener: (signal: StopSignal) => void): () => void
  /** Ends the process at once. */
  exit(code: number): void
}

/** The environment of the real process. */
export function processEnvironment(): CliEnvironment {
  return {
    // A getter: to touch `process.stdin` is to open it.
    get stdin() {
      return process.stdin
    },
    stdout: outputTo(process.stdout),
    stderr: outputTo(process.stderr),
    env: process.env,
    now: Date.now,
    every(intervalInMs, callback) {
      const timer = setInterval(callback, intervalInMs)
      timer.unref()
      return () => clearInterval(timer)
    },
    onSignal(listener) {
      process.on('SIGINT', listener)
      process.on('SIGTERM', listener)
      return () => {
        process.off('SIGINT', listener)
        process.off('SIGTERM', listener)
      }
    },
    exit: (code) => process.exit(code),
  }
}

function outputTo(stream: NodeJS.WriteStream): CliOutput {
  const closed = new AbortController()
  stream.on('error', () => closed.abort())
  return {
    get isTTY() {
      return stream.isTTY === true
    },
    get columns() {
      return stream.columns ?? 80
    },
    write: (text) => closed.signal.aborted || stream.write(text),
    drained() {
      if (closed.signal.aborted || !stream.writableNeedDrain) return Promise.resolve()
      return new Promise((resolve) => {
        const done = () => {
          stream.off('drain', done)
          closed.signal.removeEventListener('abort', done)
          resolve()
        }
        stream.on('drain', done)
        closed.signal.addEventListener('abort', done)
      })
    },
    closed: closed.signal,
  }
}
