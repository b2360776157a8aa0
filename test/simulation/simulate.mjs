import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bundleSimulation } from './bundle.mjs'
import { runSeeds } from './pool.mjs'

const usage = `npm run simulate -- --seeds N [--from SEED] [--workers N] [--keep-going]
npm run simulate -- --seed SEED      runs one and shows what happens`

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    workers: { type: 'string' },
    'keep-going': { type: 'boolean', default: false },
  },
})
const number = (name) => {
  const value = Number(values[name])
  if (!Number.isInteger(value) || value < 0) throw new TypeError(`--${name} must be a whole number.\n${usage}`)
  return value
}

const folder = mkdtempSync(join(tmpdir(), 'sluice-simulation-'))
try {
  const bundle = join(folder, 'simulation.cjs')
  await bundleSimulation(fileURLToPath(new URL('../..', import.meta.url)), bundle)
  if (values.seed !== undefined) await show(bundle, number('seed'))
  else if (values.seeds !== undefined) await runMany(bundle)
  else throw new TypeError(usage)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function show(bundle, seed) {
  const onResult = ({ lines, violation, hash, steps, counts }) => {
    for (const line of lines) console.log(line)
    console.log(`\nseed ${seed}: ${steps} steps, trace ${hash}, ${JSON.stringify(counts)}`)
    console.log(violation === undefined ? 'every promise was kept' : `BROKEN: ${violation}`)
    if (violation !== undefined) process.exitCode = 1
  }
  await runSeeds(bundle, { from: seed, count: 1, workers: 1, trace: true, onResult })
}

async function runMany(bundle) {
  const startedAt = performance.now()
  const totals = {}
  let runs = 0
  let failed = 0
  let steps = 0
  const onResult = (result) => {
    runs++
    steps += result.steps
    for (const [name, count] of Object.entries(result.counts)) totals[name] = (totals[name] ?? 0) + count
    if (result.violation === undefined) return true
    failed++
    console.log(`seed ${result.seed}: ${result.violation}\n  npm run simulate -- --seed ${result.seed}`)
    return values['keep-going']
  }
  const workers = values.workers === undefined ? undefined : number('workers')
  await runSeeds(bundle, { from: number('from'), count: number('seeds'), workers, onResult })
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.log(`${runs} seeds, ${failed} broken, ${steps} steps in ${seconds} s`)
  console.log(
    Object.entries(totals)
      .map(([name, count]) => `${name} ${count}`)
      .join(', '),
  )
  if (failed > 0) process.exitCode = 1
}
