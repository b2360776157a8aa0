import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { currentScale, type Scale } from './scale.js'
import type { Summary } from './statistics.js'

export type Unit = 'µs' | 'ms' | 's' | 'round trips' | 'KB' | 'MB' | 'events' | 'times' | 'requests per second'

/** A figure that a row has to keep. `value` is what is held against it. */
export interface Bar {
  readonly text: string
  readonly value: number
  readonly limit: number
  readonly unit: string
  readonly kind: 'at most' | 'at least'
  readonly met: boolean
}

/** How a row is drawn. */
export interface Plot {
  readonly chart: 'cpu' | 'waiting'
  readonly label: string
  /** In the chart's unit (µs of CPU, ms of waiting), or what happened instead. */
  readonly values: Readonly<Partial<Record<'sluice' | 'official' | 'rhea', number | string>>>
  /** The most that `sluice` may have. */
  readonly limits: readonly { readonly value: number; readonly label: string }[]
}

export interface Row {
  readonly what: string
  readonly unit: Unit
  /** By the keys of the report's columns. */
  readonly figures: Readonly<Record<string, Summary | string>>
  readonly bars: readonly Bar[]
  readonly note?: string | undefined
  readonly plot?: Plot | undefined
}

export interface Column {
  readonly key: string
  readonly title: string
}

export interface Report {
  readonly name: string
  readonly title: string
  /** How it was measured, for the page. */
  readonly method: readonly string[]
  readonly columns: readonly Column[]
  readonly rows: readonly Row[]
  readonly scale: Scale
  readonly measuredAt: string
  readonly durationInS: number
  /** Load average over a minute, when it began and when it ended; of the benchmark itself, too. */
  readonly load: { readonly before: number; readonly after: number }
  readonly cpu: string
  readonly cores: number
  readonly node: string
}

export const sluiceColumn: Column = { key: 'sluice', title: 'eventhub-sluice' }
export const officialColumn: Column = { key: 'official', title: '@azure/event-hubs' }

/** A row of the chart of waiting times, in ms. */
export function waitingPlot(
  label: string,
  figures: { readonly sluice: Summary; readonly official?: Summary | string | undefined },
  bar: Bar,
): Plot {
  const official =
    figures.official === undefined
      ? {}
      : { official: typeof figures.official === 'string' ? figures.official : figures.official.median }
  return {
    chart: 'waiting',
    label,
    values: { sluice: figures.sluice.median, ...official },
    limits: [{ value: bar.limit, label: 'bar' }],
  }
}

export function atMost(text: string, value: number, limit: number, unit = 'ms'): Bar {
  return { text, value, limit, unit, kind: 'at most', met: value <= limit }
}

export function atLeast(text: string, value: number, limit: number, unit: string): Bar {
  return { text, value, limit, unit, kind: 'at least', met: value >= limit }
}

/** Something that must not happen. */
export function none(text: string, count: number): Bar {
  return atMost(text, count, 0, 'times')
}

/** Runs one benchmark, prints its table and writes its figures. A missed bar is a figure, not a failure. */
export async function runBenchmark(
  about: Pick<Report, 'name' | 'title' | 'method' | 'columns'>,
  measure: (add: (row: Row) => void) => Promise<void>,
): Promise<void> {
  const startedAt = performance.now()
  const before = oneMinuteLoad()
  const rows: Row[] = []
  console.log(`\n${about.title} (${currentScale()})`)
  await measure((row) => {
    rows.push(row)
    console.log(describeRow(row, about.columns))
  })
  const [processor] = cpus()
  const report: Report = {
    ...about,
    rows,
    scale: currentScale(),
    measuredAt: new Date().toISOString(),
    durationInS: (performance.now() - startedAt) / 1000,
    load: { before, after: oneMinuteLoad() },
    cpu: processor?.model ?? 'unknown',
    cores: cpus().length,
    node: process.version,
  }
  const folder = process.env.BENCH_OUT ?? '.'
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${about.name}.json`), `${JSON.stringify(report, undefined, 2)}\n`)
  console.log(
    `  ${report.durationInS.toFixed(0)} s; load average ${before.toFixed(2)} before, ${report.load.after.toFixed(2)} after`,
  )
}

function oneMinuteLoad(): number {
  return loadavg()[0] ?? 0
}

function describeRow(row: Row, columns: readonly Column[]): string {
  const figures = columns.flatMap(({ key, title }) => {
    const figure = row.figures[key]
    return figure === undefined ? [] : [`${title} ${describeFigure(figure)}`]
  })
  const bars = row.bars.map((bar) => `    ${describeBar(bar)}`)
  return [
    `  ${row.what}, ${row.unit}`,
    `    ${figures.join('   ')}`,
    ...bars,
    ...(row.note ? [`    ${row.note}`] : []),
  ].join('\n')
}

export function describeBar({ text, value, limit, unit, kind, met }: Bar): string {
  const wanted = kind === 'at most' && limit === 0 ? 'none allowed' : `${kind} ${format(limit)} ${unit}`
  return `${text}: ${format(value)}, ${wanted}: ${met ? 'met' : 'NOT MET'}`
}

export function describeFigure(figure: Summary | string): string {
  if (typeof figure === 'string') return figure
  const { median, min, max, values } = figure
  return values.length > 1 ? `${format(median)} (${format(min)} to ${format(max)})` : format(median)
}

/** Three digits that mean something. */
export function format(value: number): string {
  if (value === 0) return '0'
  const magnitude = Math.abs(value)
  if (magnitude >= 100) return value.toFixed(0)
  return value.toFixed(magnitude >= 10 ? 1 : magnitude >= 0.1 ? 2 : 3)
}
