import { PassThrough, Readable } from 'node:stream'
import type { CliEnvironment, CliOutput } from '../../infra/cli/environment.js'
import type { StopSignal } from '../../infra/cli/exit-codes.js'
import { runCli } from '../../infra/cli/run.js'

/** A command under way in this process, and the hands on its outside. */
export interface RunningCommand {
  readonly stdin: PassThrough
  readonly stdout: CapturedOutput
  readonly stderr: CapturedOutput
  /** What the command has registered for is called, as the process would. */
  signal(signal: StopSignal): void
  /** Lets what `every` has scheduled come due once. */
  tick(): void
  /** Codes given to `exit`. */
  readonly exits: readonly number[]
  /** Resolves with the exit code. */
  readonly done: Promise<number>
}

export interface InProcessOptions {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly isTTY?: boolean
  readonly stdin?: string | Uint8Array
  readonly now?: () => number
}

/** Everything that was written, and the reader's end of it. */
export class CapturedOutput implements CliOutput {
  readonly isTTY: boolean
  readonly columns = 100
  readonly #closed = new AbortController()
  #text = ''

  constructor(isTTY: boolean) {
    this.isTTY = isTTY
  }

  get text(): string {
    return this.#text
  }

  get closed(): AbortSignal {
    return this.#closed.signal
  }

  write(text: string | Uint8Array): boolean {
    if (!this.closed.aborted) this.#text += typeof text === 'string' ? text : new TextDecoder().decode(text)
    return true
  }

  drained(): Promise<void> {
    return Promise.resolve()
  }

  /** The reader goes away. */
  close(): void {
    this.#closed.abort()
  }
}

/** Starts a command line in this process. */
export function start(args: readonly string[], options: InProcessOptions = {}): RunningCommand {
  const listeners = new Set<(signal: StopSignal) => void>()
  const ticks = new Set<() => void>()
  const exits: number[] = []
  const stdin = new PassThrough()
  if (options.stdin !== undefined) Readable.from([Buffer.from(options.stdin)]).pipe(stdin)
  const stdout = new CapturedOutput(options.isTTY ?? false)
  const stderr = new CapturedOutput(options.isTTY ?? false)
  const environment: CliEnvironment = {
    stdin,
    stdout,
    stderr,
    env: options.env ?? {},
    now: options.now ?? Date.now,
    every(_intervalInMs, callback) {
      ticks.add(callback)
      return () => ticks.delete(callback)
    },
    onSignal(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    exit: (code) => exits.push(code),
  }
  return {
    stdin,
    stdout,
    stderr,
    exits,
    signal: (signal) => [...listeners].forEach((listener) => void listener(signal)),
    tick: () => [...ticks].forEach((callback) => void callback()),
    done: runCli(args, environment),
  }
}

/** Runs a command line in this process to its end. */
export async function run(
  args: readonly string[],
  options: InProcessOptions = {},
): Promise<{ readonly code: number; readonly out: string; readonly error: string }> {
  const { done, stdout, stderr } = start(args, options)
  const code = await done
  return { code, out: stdout.text, error: stderr.text }
}
