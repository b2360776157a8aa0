import { format, type Plot } from '../support/report.js'
import { dot, legend, line, picture, plotLeft, plotRight, text } from './svg.js'

const rowHeight = 34
const top = 96

/** Waiting times as points on a logarithmic scale: as far to the left is as many times less. */
export function waitingChart(plots: readonly Plot[], subtitle: string): string {
  const title = 'How long you wait'
  const numbers = plots.flatMap(({ values, limits }) => [
    ...Object.values(values).filter((value): value is number => typeof value === 'number'),
    ...limits.map(({ value }) => value),
  ])
  // Room beside the outermost points for what is written there.
  const first = Math.log10(Math.min(...numbers)) - 0.55
  const last = Math.log10(Math.max(...numbers)) + 0.5
  const x = (value: number) => plotLeft + ((plotRight - plotLeft) * (Math.log10(value) - first)) / (last - first)
  const bottom = top + plots.length * rowHeight
  const grid: string[] = []
  for (let power = Math.ceil(first); power <= last; power++) {
    grid.push(line(x(10 ** power), top - 10, x(10 ** power), bottom, 'grid'))
    grid.push(text(x(10 ** power), bottom + 18, timeText(10 ** power), { anchor: 'middle', className: 'muted' }))
  }
  const axis = text((plotLeft + plotRight) / 2, bottom + 38, 'time, logarithmic', {
    anchor: 'middle',
    className: 'muted',
  })
  return picture(bottom + 54, title, describe(plots), [
    text(20, 30, title, { className: 'title' }),
    text(20, 50, subtitle, { className: 'muted' }),
    ...legend(74, ['sluice', 'official'], 'the most that eventhub-sluice may take'),
    ...grid,
    ...plots.flatMap((plot, i) => rowOf(plot, top + (i + 0.5) * rowHeight, x)),
    axis,
  ])
}

function rowOf({ label, values, limits }: Plot, y: number, x: (value: number) => number): string[] {
  const { sluice, official } = values
  const parts = [text(plotLeft - 14, y + 4, label, { anchor: 'end' })]
  if (typeof sluice !== 'number') return parts
  if (typeof official === 'number') parts.push(line(x(sluice), y, x(official), y, 'span'))
  for (const limit of limits) parts.push(line(x(limit.value), y - 10, x(limit.value), y + 10, 'limit'))
  const muted = { className: 'muted over' } as const
  const isLeft = typeof official !== 'number' || sluice <= official
  const atLeft = (value: number) => text(x(value) - 11, y + 4, timeText(value), { ...muted, anchor: 'end' })
  // Beyond the dashed mark where that is close by.
  const atRight = (value: number) => {
    const near = limits.map((limit) => x(limit.value)).filter((at) => at > x(value) && at < x(value) + 50)
    return text(Math.max(x(value) + 11, ...near.map((at) => at + 6)), y + 4, timeText(value), muted)
  }
  if (typeof official === 'number') {
    parts.push(isLeft ? atRight(official) : atLeft(official), dot(x(official), y, 'official'))
  } else if (official !== undefined) {
    const after = Math.max(x(sluice), ...limits.map(({ value }) => x(value)))
    parts.push(text(after + 14, y + 4, official, { className: 'official over' }))
  }
  return [...parts, isLeft ? atLeft(sluice) : atRight(sluice), dot(x(sluice), y, 'sluice')]
}

function timeText(timeInMs: number): string {
  return timeInMs >= 1000
    ? `${format(timeInMs / 1000).replace(/\.0+$/, '')} s`
    : `${format(timeInMs).replace(/\.0+$/, '')} ms`
}

function describe(plots: readonly Plot[]): string {
  const shown = (value: number | string | undefined) => (typeof value === 'number' ? timeText(value) : value)
  const one = ({ label, values: { sluice, official } }: Plot) =>
    `${label}: eventhub-sluice ${shown(sluice)}${official === undefined ? '' : `, @azure/event-hubs ${shown(official)}`}`
  return plots.map(one).join('; ')
}
