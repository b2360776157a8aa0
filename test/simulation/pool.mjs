import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'

/**
 * Runs seeds `from`, `from + 1`, … in worker threads, each of which is given a `portion` of them at a time. `onResult`
 * hears of each; when it returns false, no more are begun.
 */
export async function runSeeds(bundle, options) {
  const { from, count, workers = availableParallelism(), portion = 20, trace = false, onResult } = options
  let next = from
  let isStopped = false
  const take = () => {
    const seeds = []
    while (!isStopped && seeds.length < portion && next < from + count) seeds.push(next++)
    return seeds
  }
  const work = () =>
    new Promise((resolve, reject) => {
      const worker = new Worker(bundle, {
        workerData: { trace },
        execArgv: trace ? ['--enable-source-maps'] : [],
        // Runs leave much garbage and keep nothing.
        resourceLimits: { maxYoungGenerationSizeMb: 64 },
      })
      const more = () => {
        const seeds = take()
        if (seeds.length === 0) worker.terminate().then(() => resolve(), reject)
        else worker.postMessage(seeds)
      }
      worker.on('error', reject)
      worker.on('message', (message) => {
        if (message === 'done') more()
        else if (onResult(message) === false) isStopped = true
      })
      more()
    })
  await Promise.all(Array.from({ length: Math.min(workers, Math.ceil(count / portion)) }, work))
}
