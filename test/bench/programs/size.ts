import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import type { LoadsCommands } from '../processes/loads.js'
import { Child } from '../support/child.js'
import { BenchHub } from '../support/hub.js'
import { atMost, none, officialColumn, type Row, runBenchmark, sluiceColumn } from '../support/report.js'
import { byScale } from '../support/scale.js'
import { interleave, ratios, type Summary, summarize } from '../support/statistics.js'

const repetitions = byScale({ full: 31, quick: 15, tiny: 1 })
const folder = dirname(process.argv[1] ?? '')
const bundleOf = (name: string) => join(folder, name)
const run = promisify(execFile)

/** Times `require` in a process that does nothing else. */
async function importTimeInMs(file: string): Promise<number> {
  const script = `const s = performance.now(); require(${JSON.stringify(file)}); console.log(performance.now() - s)`
  const { stdout } = await run(process.execPath, ['-e', script])
  return Number(stdout)
}

function sizeInKb(file: string): Summary {
  return summarize([readFileSync(bundleOf(file)).length / 1000])
}

/** Which part of the library, or which package beneath it, a source belongs to. */
function partOf(path: string): string {
  const inPackage = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)
  if (inPackage) return `package ${inPackage[1]}`
  if (/core\/(amqp|https)\//.test(path)) return path.includes('/amqp/') ? 'AMQP' : 'HTTPS'
  if (/core\/tracing/.test(path)) return 'tracing'
  if (/core\/(options|exports|index)/.test(path)) return 'options'
  if (/core\/auth\//.test(path)) return 'credentials'
  return 'client, invocations, buffering, routing, retries'
}

/** What a bundle is made of, before gzip, the largest first. */
function partsOf(file: string): string {
  const inputs: Record<string, number> = JSON.parse(readFileSync(bundleOf(`${file}.inputs.json`), 'utf8'))
  const parts = new Map<string, number>()
  for (const [path, bytes] of Object.entries(inputs)) parts.set(partOf(path), (parts.get(partOf(path)) ?? 0) + bytes)
  const sorted = [...parts].sort(([, one], [, other]) => other - one)
  return sorted.map(([part, bytes]) => `${part} ${(bytes / 1000).toFixed(1)}`).join(', ')
}

function measureSizes(): Row[] {
  const node = sizeInKb('sluice.min.cjs')
  const edge = gzipSync(readFileSync(bundleOf('sluice.edge.mjs')), { level: 9 }).length
  return [
    {
      what: 'Node entry, bundled and minified, `ws` and `@azure/identity` left out',
      unit: 'KB',
      figures: { sluice: node, official: sizeInKb('official.min.cjs'), rhea: sizeInKb('rhea-promise.min.cjs') },
      bars: [atMost('size', node.median, 200, 'KB')],
      note: `KB by part: ${partsOf('sluice.min.cjs')}`,
    },
    {
      what: 'edge entry, bundled and minified, gzip',
      unit: 'KB',
      figures: { sluice: summarize([edge / 1000]) },
      bars: [atMost('size', edge / 1000, 15, 'KB')],
      note: `KB by part, before gzip: ${partsOf('sluice.edge.mjs')}`,
    },
  ]
}

async function measureImports(): Promise<Row> {
  const files = {
    sluice: bundleOf('sluice.min.cjs'),
    official: bundleOf('official.min.cjs'),
    rhea: bundleOf('rhea-promise.min.cjs'),
    installed: createRequire(join(process.env.BENCH_ROOT ?? '.', 'package.json')).resolve('rhea-promise'),
  }
  const took = { sluice: [] as number[], official: [] as number[], rhea: [] as number[], installed: [] as number[] }
  const names = Object.keys(files) as (keyof typeof files)[]
  const tasks = (isCounted: boolean) =>
    names.map((name) => async () => {
      const time = await importTimeInMs(files[name])
      if (isCounted) took[name].push(time)
    })
  await interleave(1, tasks(false))
  await interleave(repetitions, tasks(true))
  const ratio = ratios(took.sluice, took.rhea).median
  return {
    what: 'import time, each bundled and minified in the same way',
    unit: 'ms',
    figures: Object.fromEntries(names.map((name) => [name, summarize(took[name])])),
    bars: [atMost('sluice / rhea-promise', ratio, 1.3, 'times')],
  }
}

/** Whether a process that uses the library without it has asked for `@azure/identity`. */
async function measureLoads(): Promise<Row> {
  const hub = await BenchHub.start({ partitionCount: 1, maxEventsPerPartition: 10 })
  const child = new Child<LoadsCommands>('loads')
  try {
    const { connectionString } = hub.address
    const { before, after } = await child.call('sendAndListLoads', { connectionString })
    const stored = await hub.child.call('storedInAll', undefined)
    if (stored !== 1) throw new Error(`The hub has ${stored} events in place of one.`)
    const isIdentity = (name: string) => name.startsWith('@azure/identity')
    // The recorder must be known to see it, by both ways of loading.
    if (after.filter(isIdentity).length < 2) throw new Error('The recorder of loads does not work.')
    const loads = before.filter(isIdentity).length
    return {
      what: 'loads of `@azure/identity` by a client with a connection string, from import to `close()`',
      unit: 'times',
      figures: { sluice: summarize([loads]) },
      bars: [none('loads', loads)],
    }
  } finally {
    await Promise.all([child.kill(), hub.stop()])
  }
}

void runBenchmark(
  {
    name: 'size',
    title: 'Size and import',
    method: [
      'Bundled by esbuild as one CommonJS file for Node; the edge entry as one ES module for workerd.',
      `Import: \`require\` of that file in a process that does nothing else; median of ${repetitions}, in turn. The ratio is that of runs side by side.`,
      'Loads are recorded by a hook on `require` and `import`, which is shown to work by loading the package afterwards.',
    ],
    columns: [
      sluiceColumn,
      officialColumn,
      { key: 'rhea', title: 'rhea-promise' },
      { key: 'installed', title: 'rhea-promise, as installed' },
    ],
  },
  async (add) => {
    for (const row of measureSizes()) add(row)
    add(await measureImports())
    add(await measureLoads())
  },
)
