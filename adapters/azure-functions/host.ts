import { createRequire } from 'node:module'
import { join } from 'node:path'

/** What a hook after an invocation is told. */
export interface PostInvocation {
  readonly invocationContext: unknown
  /** What the invocation fails with; null or undefined where it succeeds. */
  readonly error?: unknown
}

/** Of what the worker provides, the part that we use; `app.hook` of `@azure/functions` is a layer upon it. */
interface WorkerApi {
  registerHook(name: 'appTerminate', callback: () => Promise<void>): unknown
  registerHook(name: 'postInvocation', callback: (hook: PostInvocation) => void): unknown
}

/**
 * Calls `handler` when the host shuts this worker down; the worker waits for it. Does nothing, silently, where there is
 * no worker (unit tests, scripts). Asks the worker itself and not `@azure/functions`, whose copy in an app's bundle may
 * be another one, or come without names when it is imported lazily.
 */
export function onAppTerminate(handler: () => Promise<void>): void {
  // No harm is done without it: every invocation has flushed its events by then, and the process ends anyway.
  workerApi()?.registerHook('appTerminate', handler)
}

/**
 * Calls `handler` after each invocation in this worker, behind the hooks registered so far; when it throws, the
 * invocation fails. Does nothing where there is no worker.
 */
export function onPostInvocation(handler: (hook: PostInvocation) => void): void {
  workerApi()?.registerHook('postInvocation', handler)
}

/** The worker answers `require('@azure/functions-core')` itself, from wherever it is asked. */
function workerApi(): WorkerApi | undefined {
  try {
    const api: unknown = createRequire(join(process.cwd(), 'functions.js'))('@azure/functions-core')
    return isWorkerApi(api) ? api : undefined
  } catch {
    return undefined
  }
}

function isWorkerApi(api: unknown): api is WorkerApi {
  return typeof api === 'object' && api !== null && 'registerHook' in api && typeof api.registerHook === 'function'
}
