import { format, type Plot } from '../support/report.js'
import { bar, legend, line, picture, plotLeft, plotRight, type Series, text } from './svg.js'

const barHeight = 16
const gap = 22
const top = 86

/** CPU per event as bars from zero: half as long is half as much. */
export function cpuChart(plots: readonly Plot[], subtitle: string): string {
  const title = 'CPU time per buffered event'
  const most = Math.max(...plots.flatMap(({ values }) => numbersIn(values)))
  const step = most > 40 ? 10 : most > 16 ? 5 : most > 6 ? 2 : 1
  const end = Math.ceil((most * 1.08) / step) * step
  const x = (value: number) => plotLeft + ((plotRight - plotLeft) * value) / end
  const marks: string[] = []
  let y = top
  for (const plot of plots) {
    const shown = (['official', 'sluice', 'rhea'] as const).filter((series) => series in plot.values)
    const height = shown.length * (barHeight + 3)
    marks.push(text(plotLeft - 14, y + height / 2 + 4, plot.label, { anchor: 'end' }))
    for (const [i, series] of shown.entries()) marks.push(...barOf(plot, series, y + i * (barHeight + 3), x))
    y += height + gap
  }
  const bottom = y - gap + 8
  const grid = []
  for (let value = 0; value <= end; value += step) {
    grid.push(line(x(value), top - 8, x(value), bottom, 'grid'))
    grid.push(text(x(value), bottom + 18, String(value), { anchor: 'middle', className: 'muted' }))
  }
  const axis = text((plotLeft + plotRight) / 2, bottom + 38, 'µs of CPU time (user and system) per event', {
    anchor: 'middle',
    className: 'muted',
  })
  return picture(bottom + 54, title, describe(plots), [
    text(20, 30, title, { className: 'title' }),
    text(20, 50, subtitle, { className: 'muted' }),
    ...legend(70, ['sluice', 'official', 'rhea'], 'the most that eventhub-sluice may take'),
    ...grid,
    ...marks,
    axis,
  ])
}

function barOf({ values, limits }: Plot, series: Series, y: number, x: (value: number) => number): string[] {
  const value = values[series]
  if (typeof value !== 'number') return []
  const marks = [bar(plotLeft, y, x(value) - plotLeft, barHeight, series)]
  let labelAt = x(value)
  if (series === 'sluice') {
    // The strictest counts; the table has them all.
    const strictest = Math.min(...limits.map((limit) => limit.value))
    marks.push(line(x(strictest), y - 2, x(strictest), y + barHeight + 2, 'limit'))
    labelAt = Math.max(labelAt, x(strictest))
  }
  return [...marks, text(labelAt + 7, y + barHeight - 4, format(value), { className: 'muted over' })]
}

function numbersIn(values: Plot['values']): number[] {
  return Object.values(values).filter((value): value is number => typeof value === 'number')
}

function describe(plots: readonly Plot[]): string {
  const one = ({ label, values }: Plot) =>
    `${label}: ${Object.entries(values)
      .map(([series, value]) => `${series} ${typeof value === 'number' ? format(value) : value} µs`)
      .join(', ')}`
  return plots.map(one).join('; ')
}
