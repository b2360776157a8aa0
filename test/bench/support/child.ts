import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'

/** What a process can be told to do: each takes one plain argument and gives one plain answer. */
export type Commands = Readonly<Record<string, (argument: never) => unknown>>

interface Call {
  readonly id: number
  readonly name: string
  readonly argument: unknown
}

type Answer = { readonly id: number; readonly value?: unknown; readonly error?: string }

/** In the child: does what the driver asks for, until the driver is gone. */
export function serve(commands: Commands): void {
  process.on('disconnect', () => process.exit())
  process.on('message', ({ id, name, argument }: Call) => {
    // Whoever has let go of its driver answers nobody.
    const answer = (message: Answer) => process.connected && process.send?.(message)
    void perform(commands, name, argument).then(
      (value) => answer({ id, value }),
      (error: unknown) => answer({ id, error: describe(error) }),
    )
  })
}

async function perform(commands: Commands, name: string, argument: unknown): Promise<unknown> {
  const command = commands[name]
  if (command === undefined) throw new Error(`There is no command '${name}'.`)
  return command(argument as never)
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** None may be left behind, stopped ones in particular, when a driver fails. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** A process of its own, with typed calls into it. */
export class Child<C extends Commands> {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  /** Resolves with the exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>
  /** What it wrote to its standard output. */
  output = ''
  #nextId = 0

  /** @param program name of a bundle beside the running one */
  constructor(program: string, execArgv: readonly string[] = []) {
    const file = join(dirname(process.argv[1] ?? ''), `${program}.cjs`)
    this.#process = fork(file, [], { execArgv: [...execArgv], stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
    running.add(this.#process)
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.output += text
    })
    this.#process.on('message', ({ id, value, error }: Answer) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(value as never)
      else waiting?.reject(new Error(`${program}: ${error}`))
    })
    this.exited = once(this.#process, 'exit').then(([code, signal]) => {
      running.delete(this.#process)
      for (const { reject } of this.#waiting.values()) reject(new Error(`${program} ended before it answered.`))
      this.#waiting.clear()
      return code ?? signal
    })
  }

  call<K extends keyof C & string>(name: K, argument: Parameters<C[K]>[0]): Promise<Awaited<ReturnType<C[K]>>> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId++
      this.#waiting.set(id, { resolve, reject })
      this.#process.send({ id, name, argument } satisfies Call)
    })
  }

  /** Stops it where it stands, as a platform freezes a sandbox. */
  freeze(): void {
    this.#process.kill('SIGSTOP')
  }

  thaw(): void {
    this.#process.kill('SIGCONT')
  }

  /** Lets it go: it ends by itself, and a profiler in it writes what it has. */
  async stop(): Promise<void> {
    this.#process.disconnect()
    await this.exited
  }

  /** Ends it without a word. */
  async kill(): Promise<void> {
    // A stopped process takes no other signal.
    this.#process.kill('SIGKILL')
    await this.exited
  }
}
