import { describeBar, describeFigure, type Report, type Row } from '../support/report.js'

export interface Conditions {
  readonly cpu: string
  readonly cores: number
  readonly node: string
  readonly system: string
  /** Names and versions. */
  readonly packages: readonly string[]
}

/** The page of all figures. */
export function page(reports: readonly Report[], conditions: Conditions): string {
  const bars = reports.flatMap(({ rows }) => rows.flatMap((row) => row.bars))
  const missed = reports.flatMap((report) =>
    report.rows.flatMap((row) => row.bars.filter(({ met }) => !met).map((bar) => ({ report, row, bar }))),
  )
  const days = [...new Set(reports.map(({ measuredAt }) => measuredAt.slice(0, 10)))].sort()
  return `${[
    '# Benchmarks',
    '',
    'What `eventhub-sluice` costs and how long it makes you wait, beside `@azure/event-hubs`, both measured in the same',
    'run against the same server. This page is written by `npm run bench`; `npm run bench -- --quick` gives rougher',
    'figures in less than five minutes, `npm run bench:cpu` and the like one section each.',
    '',
    '![CPU time per buffered event, by client](benchmarks-cpu.svg)',
    '',
    '![How long you wait, by client](benchmarks-waiting.svg)',
    '',
    '## Conditions',
    '',
    `- ${conditions.cpu}, ${conditions.cores} cores; ${conditions.system}; Node ${conditions.node}.`,
    `- ${conditions.packages.join(', ')}.`,
    '- The clients run as the bundle that a user deploys, in a process of their own; so does the server, the local hub, which',
    '  asks for SASL and for a claim on each link’s own address. Everything is on loopback; where a section names a round',
    '  trip, a TCP proxy between the two adds it.',
    '- Each benchmark checks at the hub that what it timed has arrived, once and in order, and fails otherwise.',
    `- Measured ${days.join(' to ')}${scalesOf(reports)}. A figure is a median, with the smallest and the largest beside it.`,
    '- Latency on loopback is no wide area network: no loss, no jitter, no TLS. What the real service takes is not in here.',
    '',
    `**${bars.length - missed.length} of ${bars.length} bars are met.**${missed.length > 0 ? ' Not met:' : ''}`,
    ...(missed.length > 0
      ? [
          '',
          ...missed.map(
            ({ report, row, bar }) => `- ${report.title}; ${row.what}. ${describeBar(bar).replace(': NOT MET', '')}`,
          ),
        ]
      : []),
    ...reports.flatMap(section),
  ].join('\n')}\n`
}

function scalesOf(reports: readonly Report[]): string {
  const scales = new Set(reports.map(({ scale }) => scale))
  return scales.size === 1 && scales.has('full') ? '' : `, at the scale: ${[...scales].join(', ')}`
}

function section({ title, method, columns, rows, load, durationInS }: Report): string[] {
  const shown = columns.filter(({ key }) => rows.some((row) => key in row.figures))
  const head = ['', 'unit', ...shown.map((column) => column.title), 'bar']
  const notes = rows.flatMap(({ what, note }) => (note === undefined ? [] : [`- ${what}: ${note}.`]))
  return [
    '',
    `## ${title}`,
    '',
    ...method.map((each) => `- ${each}`),
    `- Load average before ${load.before.toFixed(1)}, after ${load.after.toFixed(1)} (the benchmark’s own included); it took ${durationInS.toFixed(0)} s.`,
    '',
    tableRow(head),
    tableRow(head.map((_, i) => (i <= 1 || i === head.length - 1 ? '---' : '--:'))),
    ...rows.map((row) => tableRow([row.what, row.unit, ...shown.map(({ key }) => figureOf(row, key)), barsOf(row)])),
    ...(notes.length > 0 ? ['', ...notes] : []),
  ]
}

function figureOf(row: Row, key: string): string {
  const figure = row.figures[key]
  return figure === undefined ? '' : describeFigure(figure)
}

function barsOf({ bars }: Row): string {
  return bars.map((bar) => describeBar(bar).replace('NOT MET', '**not met**')).join('<br>')
}

function tableRow(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}
