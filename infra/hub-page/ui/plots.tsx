import type { ComponentChildren } from 'preact'
import { duration, number } from './format.js'
import { useWidth } from './hooks.js'
import { labelRows } from './label-rows.js'
import { Card } from './parts.js'
import { plotWindowInMs, type State } from './state.js'

const height = 168
const margin = { top: 20, right: 10, bottom: 22, left: 46 }
const bottom = height - margin.bottom
const labelHeight = 13

interface Frame {
  readonly width: number
  readonly now: number
  xOf(at: number): number
}

/** Throughput and latencies of the last minute, with the faults that lasted behind them. */
export function Plots({ state, now }: { readonly state: State; readonly now: number }) {
  return (
    <div class="plots">
      <Throughput state={state} now={now} />
      <Latencies state={state} now={now} />
    </div>
  )
}

function Throughput({ state, now }: { readonly state: State; readonly now: number }) {
  // The second that is running is not whole yet.
  const running = Math.floor(now / 1000)
  const seconds = Array.from({ length: plotWindowInMs / 1000 + 1 }, (_, index) => running - 1 - index)
  const rateOf = (second: number): number => state.throughput.get(second) ?? 0
  const current = rateOf(running - 1)
  const peak = Math.max(...seconds.map(rateOf))
  const most = niceAbove(Math.max(10, peak))
  const yOf = (events: number): number => bottom - (events / most) * (bottom - margin.top)
  return (
    <Card
      title="Throughput"
      class="plot"
      aside={<span class="muted num">{`${number(current)}/s now · ${number(peak)}/s peak`}</span>}
    >
      <Plot
        state={state}
        now={now}
        label={`Events stored per second: ${current} now, ${peak} at most in the last minute.`}
      >
        {(frame) => {
          const points = seconds
            .map((second) => `${frame.xOf((second + 1) * 1000).toFixed(1)},${yOf(rateOf(second)).toFixed(1)}`)
            .join(' L')
          return (
            <>
              {[0, most / 2, most].map((value) => (
                <Line key={value} y={yOf(value)} text={shortNumber(value)} frame={frame} />
              ))}
              <path
                class="area"
                d={`M${frame.xOf(running * 1000).toFixed(1)},${bottom} L${points} L${margin.left},${bottom} Z`}
              />
              <path class="curve" d={`M${points}`} />
            </>
          )
        }}
      </Plot>
    </Card>
  )
}

const slowest = 10_000
const fastest = 0.5
const latencyTicks = [1, 10, 100, 1000, 10_000]

function Latencies({ state, now }: { readonly state: State; readonly now: number }) {
  const shown = state.latencies.filter(({ at }) => at > now - plotWindowInMs)
  const acknowledged = shown.filter(({ kind }) => kind === 'acknowledged').map(({ durationInMs }) => durationInMs)
  const sorted = acknowledged.sort((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)]
  const worst = sorted.at(-1)
  const said =
    median === undefined || worst === undefined
      ? 'no flush yet'
      : `median ${duration(median)} · slowest ${duration(worst)}`
  const yOf = (ms: number): number => {
    const within = Math.log(Math.min(slowest, Math.max(fastest, ms)) / fastest) / Math.log(slowest / fastest)
    return bottom - within * (bottom - margin.top)
  }
  return (
    <Card title="Latency" class="plot" aside={<span class="muted num">{said}</span>}>
      <Plot state={state} now={now} label={`Flushes of the page’s producer, acknowledgements included: ${said}.`}>
        {(frame) => {
          // One path each, however many points: a dot is a line of no length with round ends.
          const dots = (kind: 'stored' | 'acknowledged'): string =>
            shown
              .filter((one) => one.kind === kind)
              .map(({ at, durationInMs }) => `M${frame.xOf(at).toFixed(1)},${yOf(durationInMs).toFixed(1)}h0`)
              .join('')
          return (
            <>
              {latencyTicks.map((ms) => (
                <Line key={ms} y={yOf(ms)} text={ms < 1000 ? `${ms} ms` : `${ms / 1000} s`} frame={frame} />
              ))}
              <path class="dots stored" d={dots('stored')} />
              <path class="dots acknowledged" d={dots('acknowledged')} />
            </>
          )
        }}
      </Plot>
      <p class="legend small muted">
        <span class="legend-item">
          <span class="key acknowledged" aria-hidden="true" /> flushed and acknowledged
        </span>
        <span class="legend-item">
          <span class="key stored" aria-hidden="true" /> stored in the hub
        </span>
      </p>
    </Card>
  )
}

function Plot(props: {
  readonly state: State
  readonly now: number
  readonly label: string
  children(frame: Frame): ComponentChildren
}) {
  const { state, now, label } = props
  const [ref, width] = useWidth<HTMLDivElement>()
  const xOf = (at: number): number =>
    width - margin.right - ((now - at) / plotWindowInMs) * (width - margin.left - margin.right)
  const frame = { width, now, xOf }
  return (
    <div ref={ref} class="plot-area">
      {width > 0 && (
        <svg width={width} height={height} role="img" aria-label={label}>
          <Spans state={state} frame={frame} />
          {props.children(frame)}
          <text class="tick" x={margin.left} y={height - 6}>
            60 s ago
          </text>
          <text class="tick" x={width - margin.right} y={height - 6} text-anchor="end">
            now
          </text>
        </svg>
      )}
    </div>
  )
}

/** Of the tick font, roughly. */
const letterWidth = 6.3

function Spans({ state, frame }: { readonly state: State; readonly frame: Frame }) {
  const oldest = frame.now - plotWindowInMs
  const shown = state.spans
    .filter(({ until }) => until === undefined || until > oldest)
    .map(({ id, name, from, until }) => {
      const left = Math.max(margin.left, frame.xOf(from))
      const right = until === undefined ? frame.width - margin.right : frame.xOf(until)
      const width = name.length * letterWidth
      return { id, name, left, right, width, x: Math.min(left + 2, frame.width - margin.right - width) }
    })
  const rows = labelRows(shown)
  return shown.map(({ id, name, left, right, x }, index) => (
    <g key={id}>
      <rect class="span" x={left} y={margin.top} width={Math.max(1, right - left)} height={bottom - margin.top} />
      <text class="span-name" x={x} y={margin.top - 6 + (rows[index] ?? 0) * labelHeight}>
        {name}
      </text>
    </g>
  ))
}

function Line({ y, text, frame }: { readonly y: number; readonly text: string; readonly frame: Frame }) {
  return (
    <g>
      <line class="grid" x1={margin.left} x2={frame.width - margin.right} y1={y} y2={y} />
      <text class="tick" x={margin.left - 6} y={y + 3.5} text-anchor="end">
        {text}
      </text>
    </g>
  )
}

/** 10, 20, 50, 100, … */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power
}

function shortNumber(value: number): string {
  return value >= 10_000 ? `${value / 1000}k` : number(value)
}
