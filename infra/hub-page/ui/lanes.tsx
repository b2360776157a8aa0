import { useEffect, useRef } from 'preact/hooks'
import type { BatchSample, FaultSpan } from '../protocol.js'
import { counted, number, size } from './format.js'
import { useMedia } from './hooks.js'
import { drawLane } from './lane-drawing.js'
import { Card } from './parts.js'
import type { Lane, State } from './state.js'

/** More would be neither readable nor quick. */
const mostLanes = 32
/** How often the lanes are drawn for someone who prefers less motion. */
const calmIntervalInMs = 1000

export function Lanes(props: {
  readonly state: State
  readonly eventHubName: string
  readonly isDark: boolean
  readonly partitionId: string | undefined
  onChoose(partitionId: string | undefined): void
}) {
  const { state, eventHubName, isDark } = props
  const all = [...state.lanes.values()].filter(({ count }) => count.eventHubName === eventHubName)
  const lanes = all.slice(0, mostLanes)
  const total = all.reduce((sum, { count }) => sum + count.events, 0)
  return (
    <Card
      title="Partitions"
      class="lanes"
      aside={<span class="muted num">{`${counted(total, 'event')} in ${eventHubName}`}</span>}
    >
      <ul class="lane-list" data-testid="lanes">
        {lanes.map((lane) => (
          <LaneRow key={lane.count.partitionId} lane={lane} {...props} isDark={isDark} />
        ))}
      </ul>
      <div class="lane-axis muted" aria-hidden="true">
        <span>30 s ago</span>
        <span>now</span>
        <span>last batch</span>
      </div>
      {all.length > lanes.length && (
        <p class="hint">{`Only the first ${mostLanes} of ${all.length} partitions are drawn; the list of events has all.`}</p>
      )}
    </Card>
  )
}

function LaneRow(props: {
  readonly lane: Lane
  readonly state: State
  readonly isDark: boolean
  readonly partitionId: string | undefined
  onChoose(partitionId: string | undefined): void
}) {
  const { lane, state, isDark } = props
  const { partitionId, events, sizeInBytes } = lane.count
  const isChosen = props.partitionId === partitionId
  const { last } = lane
  return (
    <li class="lane" data-partition={partitionId} data-events={events}>
      <button
        type="button"
        class="lane-name"
        aria-pressed={isChosen}
        title="Show only this partition’s events below"
        onClick={() => props.onChoose(isChosen ? undefined : partitionId)}
      >
        <span class="lane-id">
          <span class="sr">Partition </span>
          {partitionId}
        </span>
        <span class="num">{number(events)}</span>
        <span class="muted small num">{size(sizeInBytes)}</span>
      </button>
      <Strip lane={lane} spans={state.spans} clockAheadInMs={state.clockAheadInMs} isDark={isDark} />
      <p class="lane-last muted small">
        {last === undefined ? (
          'nothing yet'
        ) : (
          <>
            <span class="sr">last batch: </span>
            <span>{`${counted(last.events, 'event')} · ${size(last.sizeInBytes)}`}</span>
            <span class="ellipsis">{keyText(last)}</span>
          </>
        )}
      </p>
    </li>
  )
}

function keyText({ events, partitionKey }: BatchSample): string {
  // Only the first is told of a batch, which may mix keys.
  return `${events === 1 ? '' : 'first: '}${partitionKey === undefined ? 'no key' : `key ${partitionKey}`}`
}

interface StripProps {
  readonly lane: Lane
  readonly spans: readonly FaultSpan[]
  readonly clockAheadInMs: number
  readonly isDark: boolean
}

/** The moving picture; what it shows is in the text beside it and in the list of events. */
function Strip(props: StripProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const latest = useRef(props)
  latest.current = props
  const isCalm = useMedia('(prefers-reduced-motion: reduce)')
  useEffect(() => {
    const draw = (): void => {
      const { lane, spans, clockAheadInMs, isDark } = latest.current
      if (canvas.current) drawLane(canvas.current, { lane, spans, now: Date.now() + clockAheadInMs, isDark })
    }
    draw()
    if (isCalm) {
      const timer = setInterval(draw, calmIntervalInMs)
      return () => clearInterval(timer)
    }
    let frame = 0
    const next = (): void => {
      draw()
      frame = requestAnimationFrame(next)
    }
    frame = requestAnimationFrame(next)
    return () => cancelAnimationFrame(frame)
  }, [isCalm])
  // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a canvas takes no focus.
  return <canvas ref={canvas} class="strip" aria-hidden="true" />
}
