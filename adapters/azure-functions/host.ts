import { createRequire } from 'node:module'
import { join } from 'node:path'

/**
 * Calls `handler` when the host shuts this worker down; the worker waits for it. Does nothing, silently, where
 * there is no worker (unit tests, scripts): `@azure/functions` would print a warning there.
 */
export function onAppTerminate(handler: () => Promise<void>): void {
  if (!isInsideWorker()) return
  // Loaded here, so that this module also loads without the package. No harm is done where that fails: every
  // invocation has flushed its events by then, and the process ends anyway.
  void import('@azure/functions').then(
    ({ app }) => app.hook.appTerminate(handler),
    () => undefined,
  )
}

/** The worker answers `require('@azure/functions-core')` itself, from wherever it is asked. */
function isInsideWorker(): boolean {
  try {
    createRequire(join(process.cwd(), 'functions.js'))('@azure/functions-core')
    return true
  } catch {
    return false
  }
}
