import { useRef, useState } from 'preact/hooks'
import type { BatchSample } from '../protocol.js'
import { counted, hue, size, time } from './format.js'
import { Card } from './parts.js'

const mostRows = 60

/** The latest batches, newest first. It holds still while someone is in it, so that a row can be chosen. */
export function Events(props: {
  readonly batches: readonly BatchSample[]
  readonly eventHubName: string
  readonly partitionId: string | undefined
  /** While one of them is open, so that focus finds back to its row. */
  readonly isHeld: boolean
  onClear(): void
  onOpen(batch: BatchSample): void
}) {
  const { batches, eventHubName, partitionId } = props
  const [still, setStill] = useState<readonly BatchSample[]>()
  const [focused, setFocused] = useState(0)
  const list = useRef<HTMLOListElement>(null)
  const inside = useRef({ pointer: false, focus: false })
  const chosen = batches.filter(
    (batch) => batch.eventHubName === eventHubName && (partitionId === undefined || batch.partitionId === partitionId),
  )
  const newest = chosen.slice(-mostRows).reverse()
  const rows = still ?? newest
  const enter = (how: 'pointer' | 'focus', isInside: boolean): void => {
    inside.current[how] = isInside
    const isStill = inside.current.pointer || inside.current.focus || props.isHeld
    setStill((before) => (isStill ? (before ?? newest) : undefined))
    if (!isStill) setFocused(0)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, Home: -mostRows, End: mostRows }
    const step = steps[event.key]
    if (step === undefined) return
    event.preventDefault()
    const next = Math.max(0, Math.min(rows.length - 1, focused + step))
    setFocused(next)
    list.current?.querySelectorAll('button')[next]?.focus()
  }
  return (
    <Card
      title="Events"
      class="events"
      aside={
        <span class="muted small">
          {partitionId !== undefined && (
            <button type="button" class="chip" onClick={props.onClear}>
              {`partition ${partitionId} `}
              <span aria-hidden="true">×</span>
              <span class="sr">, show all partitions</span>
            </button>
          )}
          {still === undefined ? 'newest first' : 'held still while you are in it'}
        </span>
      }
    >
      {rows.length === 0 ? (
        <p class="empty">Nothing has arrived yet. Start the stream, send an event, or let your own code send.</p>
      ) : (
        <>
          <div class="event-row event-head muted small" aria-hidden="true">
            <span>time</span>
            <span>partition</span>
            <span>number</span>
            <span>key</span>
            <span>batch</span>
            <span>first event</span>
          </div>
          <ol
            ref={list}
            class="event-list"
            data-testid="events"
            onKeyDown={onKeyDown}
            onMouseEnter={() => enter('pointer', true)}
            onMouseLeave={() => enter('pointer', false)}
            onFocusIn={() => enter('focus', true)}
            onFocusOut={({ relatedTarget }) => {
              if (!(relatedTarget instanceof Node && list.current?.contains(relatedTarget))) enter('focus', false)
            }}
          >
            {rows.map((batch, index) => (
              <li key={`${batch.partitionId}/${batch.sequenceNumber}`}>
                <button
                  type="button"
                  class="event-row"
                  tabIndex={index === focused ? 0 : -1}
                  onFocus={() => setFocused(index)}
                  onClick={() => props.onOpen(batch)}
                >
                  <span class="num muted">{time(batch.at)}</span>
                  <span class="num">
                    <span class="sr">partition </span>
                    {batch.partitionId}
                  </span>
                  <span class="num muted">{`#${batch.sequenceNumber}`}</span>
                  <Key name={batch.partitionKey} />
                  <span class="num muted">
                    {counted(batch.events, 'event')}
                    <span class="wide">{` · ${size(batch.sizeInBytes)}`}</span>
                  </span>
                  <span class="preview">{batch.preview}</span>
                </button>
              </li>
            ))}
          </ol>
        </>
      )}
    </Card>
  )
}

function Key({ name }: { readonly name: string | undefined }) {
  if (name === undefined) return <span class="muted">no key</span>
  return (
    <span class="event-key">
      <span class="swatch" style={{ '--hue': String(hue(name)) }} aria-hidden="true" />
      <span class="ellipsis">{name}</span>
    </span>
  )
}
