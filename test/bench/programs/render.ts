import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { release, type } from 'node:os'
import { join } from 'node:path'
import { cpuChart } from '../render/cpu-chart.js'
import { page } from '../render/page.js'
import { waitingChart } from '../render/waiting-chart.js'
import type { Plot, Report } from '../support/report.js'

// Renders the page and its pictures from the figures that the benchmarks have written.

const names = ['cpu', 'cold', 'partitions', 'flush', 'pipeline', 'freeze', 'size', 'memory', 'exit', 'door']
const comparedPackages = ['@azure/event-hubs', 'rhea', 'rhea-promise', 'srvx', 'esbuild']

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T
}

function packageVersions(root: string): string[] {
  const own = readJson<{ version: string }>(join(root, 'package.json'))
  const version = (name: string) =>
    readJson<{ version: string }>(join(root, 'node_modules', name, 'package.json')).version
  return [`eventhub-sluice ${own.version}`, ...comparedPackages.map((name) => `${name} ${version(name)}`)]
}

function main(): void {
  const { BENCH_OUT: figures = '.', BENCH_DOCS: docs = '.', BENCH_ROOT: root = '.' } = process.env
  const reports = names
    .map((name) => join(figures, `${name}.json`))
    .filter((path) => existsSync(path))
    .map((path) => readJson<Report>(path))
  const [first] = reports
  if (first === undefined) throw new Error(`There are no figures in ${figures}. Run a benchmark first.`)
  const plots = (chart: Plot['chart']) =>
    reports.flatMap(({ rows }) => rows.flatMap(({ plot }) => (plot?.chart === chart ? [plot] : [])))
  const { cpu, cores, node } = first
  const conditions = { cpu, cores, node, system: `${type()} ${release()}`, packages: packageVersions(root) }
  const machine = `${cpu}, ${cores} cores, Node ${node}; loopback`
  write(join(docs, 'benchmarks.md'), page(reports, conditions))
  writeChart('cpu', cpuChart, `${machine}; both clients in buffered mode`)
  writeChart('waiting', waitingChart, `${machine}; 100 ms round trip, but for the frozen ones: none added`)

  function writeChart(
    name: Plot['chart'],
    chart: (plots: readonly Plot[], subtitle: string) => string,
    subtitle: string,
  ) {
    const shown = plots(name)
    if (shown.length > 0) write(join(docs, `benchmarks-${name}.svg`), chart(shown, subtitle))
  }
}

function write(path: string, content: string): void {
  writeFileSync(path, content)
  console.log(`wrote ${path}`)
}

main()
