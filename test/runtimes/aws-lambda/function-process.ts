import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { until } from '../support/until.js'
import { type RuntimeApi, startRuntimeApi } from './runtime-api.js'
import type { RuntimeClient } from './runtime-client.js'

export interface FunctionOptions {
  readonly runtimeClient: RuntimeClient
  /** Where the unpacked zip lies. */
  readonly folder: string
  /** As in a template: `path/file.export`. */
  readonly handler: string
  readonly environment: Readonly<Record<string, string>>
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** An execution environment of a function: the real runtime in a process of its own, and Lambda's side of it. */
export interface FunctionProcess {
  readonly api: RuntimeApi
  /** What it has written so far, to either of its outputs. */
  readonly output: string
  /** Undefined while it runs. */
  readonly exit: Exit | undefined
  /** Waits until the runtime is idle, as Lambda does, and stops the process. Resolves when it stands still. */
  freeze(): Promise<void>
  thaw(): void
  signal(name: NodeJS.Signals): void
  exited(): Promise<Exit>
  /** Ends the process and its Runtime API. */
  stop(): Promise<void>
}

export async function startFunction(options: FunctionOptions): Promise<FunctionProcess> {
  const { runtimeClient, folder, handler, environment } = options
  const api = await startRuntimeApi()
  const child = spawn(
    runtimeClient.node,
    // Lambda's own Node loads neither an ES module by require() nor one that does not say that it is one.
    ['--no-experimental-require-module', '--no-experimental-detect-module', runtimeClient.script, handler],
    {
      cwd: folder,
      // Nothing of whoever runs the tests: what a function gets is what its template says.
      env: {
        PATH: process.env.PATH,
        LANG: 'en_US.UTF-8',
        TZ: ':UTC',
        AWS_LAMBDA_RUNTIME_API: api.address,
        AWS_LAMBDA_FUNCTION_NAME: 'forwarder',
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
        AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/forwarder',
        AWS_LAMBDA_LOG_STREAM_NAME: '2026/01/01/[$LATEST]0',
        AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
        AWS_REGION: 'eu-west-1',
        LAMBDA_TASK_ROOT: folder,
        _HANDLER: handler,
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  let exit: Exit | undefined
  const exited = once(child, 'exit').then(([code, signal]): Exit => {
    exit = { code, signal }
    api.processExited()
    return exit
  })
  await once(child, 'spawn')

  const signal = (name: NodeJS.Signals): void => {
    if (exit === undefined) child.kill(name)
  }
  return {
    api,
    get output() {
      return output
    },
    get exit() {
      return exit
    },
    freeze: async () => {
      await api.idle()
      signal('SIGSTOP')
      await until('the process stood still', () => processState(child.pid) === 'T')
    },
    thaw: () => signal('SIGCONT'),
    signal,
    exited: () => exited,
    stop: async () => {
      // Also ends a process that stands still.
      signal('SIGKILL')
      await exited
      await api.close()
    },
  }
}

/** As the kernel names it: `T` is stopped. */
function processState(pid: number | undefined): string | undefined {
  // The name before it stands in parentheses and may hold spaces.
  return /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]
}
