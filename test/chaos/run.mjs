// Runs producers and hubs as processes of their own, with faults between them, and compares what both ends wrote down.
//
//   node test/chaos/run.mjs [--events N] [--seed S] [--faults N] [--scenario NAME] [--parallel N] [--out FILE] [--keep]
//
// --events: over all scenarios; 100,000. --seed: of the faults and the load; a new one. --faults: in each scenario;
// one for 400 of its events on average, at least 20. --keep: leaves the ledgers where they are, and says where.

import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    faults: { type: 'string' },
    scenario: { type: 'string' },
    parallel: { type: 'string', default: '4' },
    out: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
})

function whole(name, value, least) {
  const number = Number(value)
  if (!Number.isSafeInteger(number) || number < least) {
    console.error(`--${name} must be a whole number of at least ${least}, not '${value}'.`)
    process.exit(2)
  }
  return number
}

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const folder = await mkdtemp(join(tmpdir(), 'sluice-chaos-'))
let code = 1
try {
  const events = whole('events', values.events, 1)
  const settings = {
    events,
    seed: whole('seed', values.seed, 0),
    faults:
      values.faults === undefined ? Math.max(20, Math.round(events / 12 / 400)) : whole('faults', values.faults, 0),
    parallel: whole('parallel', values.parallel, 1),
    only: values.scenario,
    folder,
    out: values.out === undefined ? undefined : resolve(values.out),
  }
  await build({
    entryPoints: ['programs/chaos', 'processes/hub', 'processes/producer'].map((name) => here(`./${name}.ts`)),
    entryNames: '[name]',
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    conditions: ['sluice-source'],
    external: ['@azure/identity'],
    logLevel: 'warning',
  })
  code = await new Promise((done) => {
    const env = { ...process.env, CHAOS_SETTINGS: JSON.stringify(settings) }
    const child = spawn(process.execPath, [join(folder, 'chaos.cjs')], { env, stdio: 'inherit' })
    // Whoever stops this stops the processes that it started.
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
    child.on('exit', (status, signal) => done(status ?? signal))
  })
} finally {
  if (values.keep) console.log(`The ledgers are in ${folder}.`)
  else await rm(folder, { recursive: true, force: true })
}
process.exitCode = code === 0 ? 0 : 1
