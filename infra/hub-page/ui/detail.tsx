import { useEffect, useRef, useState } from 'preact/hooks'
import type { EventDetail, Field } from '../protocol.js'
import { counted, hexDump, prettyJson, size, utf8 } from './format.js'
import { findEvent } from './server.js'

export interface EventPlace {
  readonly eventHubName: string
  readonly partitionId: string
  readonly sequenceNumber: number
}

/** One event, whole. A modal dialog: Esc closes it, and focus returns to where it came from. */
export function Detail({ place, onClose }: { readonly place: EventPlace; onClose(): void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [number, setNumber] = useState(place.sequenceNumber)
  const [found, setFound] = useState<EventDetail | string>()
  useEffect(() => {
    const opener = document.activeElement
    dialog.current?.showModal()
    return () => {
      if (opener instanceof HTMLElement) opener.focus()
    }
  }, [])
  useEffect(() => {
    let isCurrent = true
    findEvent(place.eventHubName, place.partitionId, number).then(
      (event) => isCurrent && setFound(event),
      (error: Error) => isCurrent && setFound(error.message),
    )
    return () => {
      isCurrent = false
    }
  }, [place, number])
  const event = typeof found === 'object' ? found : undefined
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Esc is the dialog's own key for it.
    <dialog
      ref={dialog}
      class="detail"
      aria-labelledby="detail-title"
      onClose={onClose}
      onClick={(click) => {
        // The backdrop is the dialog itself; everything in it lies in a child.
        if (click.target === dialog.current) dialog.current?.close()
      }}
    >
      <div class="detail-body">
        <header class="detail-head">
          <h2 id="detail-title">
            {`Event #${number} `}
            <span class="muted">{`in partition ${place.partitionId} of ${place.eventHubName}`}</span>
          </h2>
          <div class="buttons">
            <Step label="Previous" to={event?.previous} onStep={setNumber} />
            <Step label="Next" to={event?.next} onStep={setNumber} />
            <button type="button" onClick={() => dialog.current?.close()}>
              Close
            </button>
          </div>
        </header>
        {typeof found === 'string' && <p class="failure">{found}</p>}
        {event !== undefined && (
          <>
            <Body key={event.sequenceNumber} event={event} />
            <Fields
              title="System properties"
              fields={[
                { name: 'sequence number', type: 'number', value: String(event.sequenceNumber) },
                { name: 'offset', type: 'string', value: event.offset },
                { name: 'enqueued time', type: 'timestamp', value: event.enqueuedTime },
                ...(event.partitionKey === undefined
                  ? []
                  : [{ name: 'partition key', type: 'string', value: event.partitionKey }]),
                { name: 'size on the wire', type: 'number', value: `${event.encodedSizeInBytes} bytes` },
              ]}
            />
            <Fields title="Application properties" fields={event.applicationProperties} />
            <Fields title="Message properties" fields={event.properties} />
            <Fields title="Annotations" fields={event.messageAnnotations} />
            {event.header.length > 0 && <Fields title="Header" fields={event.header} />}
          </>
        )}
      </div>
    </dialog>
  )
}

function Step(props: { readonly label: string; readonly to: number | undefined; onStep(number: number): void }) {
  const { label, to } = props
  return (
    <button type="button" disabled={to === undefined} onClick={() => to !== undefined && props.onStep(to)}>
      {label}
    </button>
  )
}

const views = ['JSON', 'Text', 'Hex'] as const

function Body({ event }: { readonly event: EventDetail }) {
  const bytes = Uint8Array.from(atob(event.body), (character) => character.charCodeAt(0))
  const text = event.value !== undefined && bytes.length === 0 ? event.value : utf8(bytes, event.isBodyCut)
  const json = text === undefined || event.isBodyCut ? undefined : prettyJson(text)
  const contents = { JSON: json, Text: text, Hex: bytes.length > 0 ? hexDump(bytes) : undefined }
  const [chosen, choose] = useState<(typeof views)[number]>()
  const view = chosen ?? views.find((one) => contents[one] !== undefined) ?? 'Text'
  const isEmpty = bytes.length === 0 && event.value === undefined
  return (
    <section aria-label="Body">
      <div class="body-head">
        <h3>Body</h3>
        <span class="muted small">
          {`${event.bodyType === 'data' ? 'data' : `an AMQP ${event.bodyType}`}, ${counted(event.bodySizeInBytes, 'byte')}`}
        </span>
        <fieldset class="segments" aria-label="Show the body as">
          {views.map((one) => (
            <button
              key={one}
              type="button"
              aria-pressed={view === one}
              disabled={contents[one] === undefined}
              title={
                contents[one] === undefined ? `The body is no ${one === 'JSON' ? 'JSON' : 'UTF-8 text'}` : undefined
              }
              onClick={() => choose(one)}
            >
              {one}
            </button>
          ))}
        </fieldset>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <pre class="body" tabIndex={0} data-testid="body">
        {isEmpty ? 'The body is empty.' : contents[view]}
      </pre>
      {event.isBodyCut && (
        <p class="hint">{`Only the first ${size(bytes.length)} of ${size(event.bodySizeInBytes)} are shown.`}</p>
      )}
    </section>
  )
}

function Fields({ title, fields }: { readonly title: string; readonly fields: readonly Field[] }) {
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      {fields.length === 0 ? (
        <p class="muted small">none</p>
      ) : (
        <table class="fields">
          <tbody>
            {fields.map(({ name, type, value }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td class="value">{value}</td>
                <td class="muted small">{type}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}
