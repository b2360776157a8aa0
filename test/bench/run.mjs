// Runs the benchmarks: bundles what they need into a temporary folder, runs them one after the other, and renders
// docs/benchmarks.md from what they measured.
//
//   node test/bench/run.mjs [program ...] [--quick | --tiny] [--out FOLDER] [--docs FOLDER] [--render]
//                           [--readable] [--producer-args="NODE FLAGS"]
//
// Without names: every program, then the page. --render: the page alone, from the figures in FOLDER.
// --quick: fewer repetitions, under five minutes. --tiny: whether they run at all; no figure of it means anything.
// --readable, --producer-args: for profiles, such as --readable --producer-args="--cpu-prof --cpu-prof-dir=FOLDER".

import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bundle, programNames } from './bundle.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    tiny: { type: 'boolean', default: false },
    out: { type: 'string' },
    docs: { type: 'string' },
    render: { type: 'boolean', default: false },
    readable: { type: 'boolean', default: false },
    'producer-args': { type: 'string', default: '' },
  },
})
const unknown = positionals.filter((name) => !programNames.includes(name))
if (unknown.length > 0) {
  console.error(`There is no benchmark '${unknown.join("', '")}'. There are: ${programNames.join(', ')}.`)
  process.exit(2)
}

const scale = values.tiny ? 'tiny' : values.quick ? 'quick' : 'full'
const out = resolve(values.out ?? join(root, '.cache/bench', scale))
// Only what was measured with care goes where people read it.
const docs = resolve(values.docs ?? (scale === 'full' ? join(root, 'docs') : out))
const names = values.render ? [] : positionals.length > 0 ? positionals : programNames
const wantsPage = values.render || positionals.length === 0

const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
try {
  await mkdir(out, { recursive: true })
  await mkdir(docs, { recursive: true })
  await bundle(root, folder, { minify: !values.readable })
  const env = {
    ...process.env,
    BENCH_SCALE: scale,
    BENCH_OUT: out,
    BENCH_DOCS: docs,
    BENCH_ROOT: root,
    BENCH_PRODUCER_ARGS: values['producer-args'],
  }
  const failed = await runAll(names, env)
  if (wantsPage) failed.push(...(await runAll(['render'], env)))
  if (failed.length > 0) {
    console.error(`\nDid not run to the end: ${failed.join(', ')}.`)
    process.exitCode = 1
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}

async function runAll(programs, env) {
  const failed = []
  const one = async (name) => {
    if ((await run(name, env)) !== 0) failed.push(name)
  }
  // One at a time, so that they do not disturb each other; where no figure counts, together.
  if (scale === 'tiny') await Promise.all(programs.map(one))
  else for (const name of programs) await one(name)
  return failed
}

function run(name, env) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(folder, `${name}.cjs`)], { env, stdio: 'inherit' })
    child.on('exit', (code, signal) => resolve(code ?? signal))
  })
}
