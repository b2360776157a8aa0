import { type ChildProcess, fork, spawn } from 'node:child_process'
import type { FromProducer, InvocationReport, Invoke } from './producer-protocol.js'

/** None may be left behind, a stopped one in particular, when this process ends. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/**
 * Ends a stopped process should this one be killed outright: by itself it would stand still for good. Its standard input
 * ends with this process, and the shell that waits for it does the rest.
 */
function watchOver({ pid }: ChildProcess): ChildProcess {
  const script = 'read -r _; kill -KILL "$0"'
  // Of a group of its own: a terminal's Ctrl+C must not end it first.
  const watcher = spawn('/bin/sh', ['-c', script, String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  // Where there is no shell, all but that unlikely end is as it was.
  watcher.on('error', () => {})
  watcher.stdin?.on('error', () => {})
  watcher.unref()
  return watcher
}

/** What the owner of the process hears of it. */
export interface ProducerEvents {
  onLog(level: 'debug' | 'info' | 'warn' | 'error', text: string): void
  /** It ended by itself; what it had under way is of unknown outcome. The next invocation starts another. */
  onCrash(how: string): void
}

/** Why a process cannot be stopped and continued here; undefined where it can. */
export function whyNotFreeze(platform: string = process.platform): string | undefined {
  if (platform !== 'win32') return undefined
  return 'Windows has no signals that stop and continue a process (SIGSTOP, SIGCONT).'
}

/** The producer's process: started when it is first needed, stopped and continued by signals. */
export class ProducerProcess {
  readonly #module: URL
  readonly #events: ProducerEvents
  readonly #waiting = new Map<number, (report: InvocationReport | undefined) => void>()
  #child: ChildProcess | undefined
  #watcher: ChildProcess | undefined
  #nextId = 1

  /** @param module the built producer-process.js */
  constructor(module: URL, events: ProducerEvents) {
    this.#module = module
    this.#events = events
  }

  get isRunning(): boolean {
    return this.#child !== undefined
  }

  /** The process's own; undefined while there is none. */
  get processId(): number | undefined {
    return this.#child?.pid
  }

  /** The client's report; undefined when the process ended before it gave one. */
  invoke(work: Omit<Invoke, 'id'>): Promise<InvocationReport | undefined> {
    const child = this.#child ?? this.#start()
    const id = this.#nextId++
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      child.send({ id, ...work } satisfies Invoke, (error) => {
        // The end of the process is told by 'exit' as well.
        if (error) this.#settle(id, undefined)
      })
    })
  }

  /** SIGSTOP: from here on it does nothing at all. */
  stop(): void {
    if (this.#child === undefined) return
    this.#child.kill('SIGSTOP')
    this.#watcher ??= watchOver(this.#child)
  }

  /** SIGCONT: it goes on as if no time had passed. */
  continue(): void {
    this.#endWatch()
    this.#child?.kill('SIGCONT')
  }

  /** Ends the process, a stopped one too. */
  close(): Promise<void> {
    const child = this.#child
    if (child === undefined) return Promise.resolve()
    this.#child = undefined
    this.#endWatch()
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill('SIGKILL')
    return gone
  }

  #start(): ChildProcess {
    // None of this process's own flags: an inspector's port, a loader.
    const child = fork(this.#module, [], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    this.#child = child
    running.add(child)
    // It is there for the page alone: it keeps nothing running.
    child.unref()
    child.channel?.unref()
    child.on('message', (message: FromProducer) => {
      if (message.kind === 'log') this.#events.onLog(message.level, message.text)
      else this.#settle(message.id, message)
    })
    let failed: Error | undefined
    child.on('error', (error) => {
      failed = error
      if (child.pid === undefined) this.#onEnd(child, `could not be started: ${error.message}`)
    })
    child.once('exit', (code, signal) =>
      this.#onEnd(child, failed?.message ?? `ended with ${signal ?? `exit code ${code}`}`),
    )
    return child
  }

  #onEnd(child: ChildProcess, how: string): void {
    if (!running.delete(child)) return
    this.#endWatch()
    const isCrash = this.#child === child
    if (isCrash) this.#child = undefined
    for (const id of [...this.#waiting.keys()]) this.#settle(id, undefined)
    if (isCrash) this.#events.onCrash(how)
  }

  #endWatch(): void {
    this.#watcher?.kill('SIGKILL')
    this.#watcher = undefined
  }

  #settle(id: number, report: InvocationReport | undefined): void {
    const resolve = this.#waiting.get(id)
    this.#waiting.delete(id)
    resolve?.(report)
  }
}
