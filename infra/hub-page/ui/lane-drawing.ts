import type { FaultSpan } from '../protocol.js'
import { hue } from './format.js'
import { columnInMs, type Lane, laneWindowInMs } from './state.js'

const markWidth = 3

export interface LanePicture {
  readonly lane: Lane
  readonly spans: readonly FaultSpan[]
  /** By the server's clock. */
  readonly now: number
  readonly isDark: boolean
}

/** The last half minute of a partition: a mark for each batch, as high as it is large, coloured by its key. */
export function drawLane(canvas: HTMLCanvasElement, { lane, spans, now, isDark }: LanePicture): void {
  const { clientWidth: width, clientHeight: height } = canvas
  const scale = devicePixelRatio
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale)
    canvas.height = Math.round(height * scale)
  }
  const context = canvas.getContext('2d')
  if (context === null) return
  context.setTransform(scale, 0, 0, scale, 0, 0)
  context.clearRect(0, 0, width, height)
  const xOf = (at: number): number => width - ((now - at) / laneWindowInMs) * width

  context.fillStyle = isDark ? 'rgb(255 190 90 / 10%)' : 'rgb(190 120 0 / 9%)'
  for (const { from, until } of spans) {
    const left = Math.max(0, xOf(from))
    const right = Math.min(width, until === undefined ? width : xOf(until))
    if (right > left) context.fillRect(left, 0, right - left, height)
  }

  // What is counted but not sampled, behind the marks: a busy lane shows its true amount all the same.
  const largest = Math.max(20, ...lane.columns.values())
  const heightOf = (events: number): number => Math.max(4, (Math.log1p(events) / Math.log1p(largest)) * (height - 6))
  context.fillStyle = isDark ? 'rgb(120 190 205 / 22%)' : 'rgb(13 110 131 / 14%)'
  const columnWidth = (columnInMs / laneWindowInMs) * width
  for (const [column, events] of lane.columns) {
    const high = heightOf(events)
    context.fillRect(xOf(column * columnInMs), height - high, Math.max(1, columnWidth - 1), high)
  }
  for (const { at, events, partitionKey } of lane.marks) {
    const x = xOf(at)
    if (x < -markWidth) continue
    const high = heightOf(events)
    context.fillStyle =
      partitionKey === undefined
        ? `hsl(200 8% ${isDark ? 65 : 45}%)`
        : `hsl(${hue(partitionKey)} 55% ${isDark ? 66 : 42}%)`
    context.beginPath()
    context.roundRect(Math.min(x, width - markWidth), height - high, markWidth, high, 1.5)
    context.fill()
  }
}
