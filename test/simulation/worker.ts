import { parentPort, workerData } from 'node:worker_threads'
import { violation } from './ledger.js'
import { run } from './run.js'

/** Runs the seeds that it is asked for, one after the other, and says how each went. */
const port = parentPort
if (!port) throw new Error('This runs in a worker thread.')

// A rejection that nobody handles ends a process: in the simulation it is a fault of its own.
const onUncaught = (error: unknown) => {
  try {
    violation(
      error instanceof Error
        ? error.name === 'Violation'
          ? error.message
          : (error.stack ?? error.message)
        : String(error),
    )
  } catch {
    // Kept: the run sees it at its next step.
  }
}
process.on('unhandledRejection', onUncaught)
process.on('uncaughtException', onUncaught)

const { trace } = workerData as { trace: boolean }
// Every failed send makes errors, whose stacks nobody reads here.
if (!trace) Error.stackTraceLimit = 0
port.on('message', async (seeds: readonly number[]) => {
  for (const seed of seeds) {
    const lines: string[] = []
    const result = await run(seed, trace ? (line) => lines.push(line) : undefined)
    port.postMessage({ ...result, lines })
  }
  port.postMessage('done')
})
