import { useState } from 'preact/hooks'
import type { Happening } from '../protocol.js'
import { counted, duration, time } from './format.js'
import { Card } from './parts.js'
import type { Entry, State } from './state.js'

const mostRows = 100

/** What the faults did and how the producer took it, newest first. */
export function Timeline({ state }: { readonly state: State }) {
  const [isLogShown, setLogShown] = useState(true)
  const shown = state.entries.filter((entry) => isLogShown || entry.kind !== 'client')
  const rows = shown.slice(-mostRows).reverse()
  return (
    <Card
      title="What happened"
      class="timeline"
      aside={
        <label class="check small muted">
          <input type="checkbox" checked={isLogShown} onChange={() => setLogShown(!isLogShown)} />
          the client’s log
        </label>
      }
    >
      {rows.length === 0 ? (
        <p class="empty">Faults, freezes, and how the producer took them.</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        <ol class="entries" data-testid="timeline" tabIndex={0} aria-label="What happened, newest first">
          {rows.map((entry) => (
            <li key={entry.id} class={`entry ${toneOf(entry)}`}>
              <time class="num muted small">{time(entry.at)}</time>
              <span class="entry-text">{textOf(entry)}</span>
            </li>
          ))}
        </ol>
      )}
    </Card>
  )
}

function toneOf(entry: Entry): string {
  switch (entry.kind) {
    case 'invocations':
      return entry.slowestInMs < 100 ? 'went-well' : 'went-well slow'
    case 'invocation':
      return entry.accepted === entry.taken ? 'went-well slow' : entry.unknown > 0 ? 'unclear' : 'failed'
    case 'client':
      return entry.level === 'error' ? 'log failed' : 'log'
    default:
      return entry.kind
  }
}

function textOf(entry: Entry): string {
  switch (entry.kind) {
    case 'invocations': {
      const { invocations, events, fastestInMs, slowestInMs } = entry
      const range = invocations === 1 ? duration(slowestInMs) : `${duration(fastestInMs)} to ${duration(slowestInMs)}`
      return `${counted(invocations, 'invocation')}: ${counted(events, 'event')} accepted, in ${range}.`
    }
    case 'invocation':
      return invocationText(entry)
    case 'client':
      return `Client: ${entry.text}`
    default:
      return entry.text
  }
}

function invocationText(entry: Extract<Happening, { kind: 'invocation' }>): string {
  const outcomes = (['accepted', 'refused', 'unknown', 'returned'] as const)
    .filter((outcome) => entry[outcome] > 0)
    .map((outcome) => `${entry[outcome]} ${outcome}`)
  const what = entry.origin === 'form' ? 'The form’s send' : 'Invocation'
  const why = entry.reason === undefined ? '' : ` ${entry.reason}`
  return `${what} of ${counted(entry.taken, 'event')}: ${outcomes.join(', ')} in ${duration(entry.durationInMs)}.${why}`
}
