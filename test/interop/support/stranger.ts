import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** What a stranger answered instead of a value. */
export class StrangerError extends Error {
  /** The class of its exception. */
  readonly type: string
  /** The AMQP condition, where it tells one. */
  readonly condition: string | undefined

  constructor({ type, condition, message }: { type: string; condition: string | null; message: string }) {
    super(`${type}: ${message}`)
    this.type = type
    this.condition = condition ?? undefined
  }
}

/** A Python program under python/, running, that serves calls one after the other. */
export class Stranger implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #waiting: { resolve: (value: never) => void; reject: (error: Error) => void }[] = []
  readonly #exited: Promise<void>
  /** What it wrote to its standard error: the strangers log there. */
  #said = ''

  /** @param program one of the programs in python/, without its ending */
  constructor(program: 'azure_client' | 'proton_client') {
    const cache = here('../../../.cache/interop')
    // Debian's own interpreter, which the packages are built for, and of its packages only those that install.sh fetched.
    this.#process = spawn('/usr/bin/python3', ['-S', here(`../python/${program}.py`)], {
      env: {
        PYTHONPATH: `${cache}/lib`,
        LD_LIBRARY_PATH: `${cache}/shared`,
        PYTHONDONTWRITEBYTECODE: '1',
        LANG: 'C.UTF-8',
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const { stdout, stderr } = this.#process
    if (stdout === null || stderr === null) throw new Error('There are no pipes.')
    createInterface({ input: stdout }).on('line', (line) => {
      const waiting = this.#waiting.shift()
      const answer = JSON.parse(line)
      if ('error' in answer) waiting?.reject(new StrangerError(answer.error))
      else waiting?.resolve(answer.value as never)
    })
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-4000)
    })
    this.#exited = new Promise((resolve) => {
      this.#process.on('exit', (code, signal) => {
        const error = new Error(`${program} ended (${code ?? signal}) before it answered.\n${this.#said}`)
        for (const { reject } of this.#waiting.splice(0)) reject(error)
        resolve()
      })
    })
  }

  /** Rejects with a `StrangerError` when it threw. */
  call<T>(name: string, argument: Record<string, unknown>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#process.stdin?.write(`${JSON.stringify({ name, argument })}\n`)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#exited
  }
}
