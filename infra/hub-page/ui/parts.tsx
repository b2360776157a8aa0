import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

/** A titled region of the page. */
export function Card(props: {
  readonly title: string
  readonly class?: string
  readonly aside?: ComponentChildren
  readonly children: ComponentChildren
}) {
  const id = useId()
  return (
    <section class={`card ${props.class ?? ''}`} aria-labelledby={id}>
      <header class="card-head">
        <h2 id={id}>{props.title}</h2>
        {props.aside}
      </header>
      {props.children}
    </section>
  )
}

/** An on/off switch with its explanation. */
export function Switch(props: {
  readonly label: string
  readonly hint?: string
  readonly isOn: boolean
  readonly isDisabled?: boolean
  onChange(isOn: boolean): void
}) {
  const id = useId()
  return (
    <div class="switch-row">
      <div class="grow">
        <span id={id} class="row-label">
          {props.label}
        </span>
        {props.hint !== undefined && (
          <p id={`${id}-hint`} class="hint">
            {props.hint}
          </p>
        )}
      </div>
      <button
        type="button"
        role="switch"
        class="switch"
        aria-checked={props.isOn}
        aria-labelledby={id}
        aria-describedby={props.hint === undefined ? undefined : `${id}-hint`}
        disabled={props.isDisabled}
        onClick={() => props.onChange(!props.isOn)}
      >
        <span class="thumb" aria-hidden="true" />
      </button>
    </div>
  )
}

/** Why something could not be done. */
export function Failure({ message }: { readonly message: string | undefined }) {
  return message === undefined ? null : (
    <p class="failure" role="alert">
      {message}
    </p>
  )
}

/** A labelled field of a form. */
export function Field(props: {
  readonly label: string
  readonly children: ComponentChildren
  readonly class?: string
}) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is among the children.
    <label class={`field ${props.class ?? ''}`}>
      <span class="field-label">{props.label}</span>
      {props.children}
    </label>
  )
}
