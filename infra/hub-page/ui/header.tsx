import { useState } from 'preact/hooks'
import type { Theme } from './hooks.js'
import { useAction } from './hooks.js'
import { connectionStringFor } from './server.js'
import type { Link, State } from './state.js'

const linkTexts: Readonly<Record<Link, string>> = {
  connecting: 'connecting …',
  live: 'live',
  lost: 'the hub does not answer',
}

export function Header(props: {
  readonly state: State
  readonly eventHubName: string
  readonly theme: Theme
  onChooseHub(name: string): void
  onTheme(theme: Theme): void
}) {
  const { state, eventHubName } = props
  const { hub, link } = state
  return (
    <header class="top">
      <div class="brand">
        <img src="/_page/icon.svg" alt="" width="28" height="28" />
        <div>
          <h1>Local hub</h1>
          <p class="muted small">
            {hub === undefined ? 'Sluice' : `AMQP ${hub.host}:${hub.amqpPort} · HTTP :${hub.httpPort}`}
          </p>
        </div>
      </div>
      <p class={`link ${link}`} role="status">
        <span class="dot" aria-hidden="true" />
        {linkTexts[link]}
      </p>
      <div class="top-controls">
        {hub !== undefined && hub.eventHubNames.length > 1 && (
          <label class="inline-label">
            <span class="small muted">Event hub</span>
            <select value={eventHubName} onChange={({ currentTarget }) => props.onChooseHub(currentTarget.value)}>
              {hub.eventHubNames.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
        )}
        <ConnectionString eventHubName={eventHubName} />
        <label class="inline-label">
          <span class="small muted">Theme</span>
          <select value={props.theme} onChange={({ currentTarget }) => props.onTheme(currentTarget.value as Theme)}>
            <option value="system">System</option>
            <option value="light">Light</option>
            <option value="dark">Dark</option>
          </select>
        </label>
      </div>
    </header>
  )
}

/** Asked for only when it is wanted: it holds a key. */
function ConnectionString({ eventHubName }: { readonly eventHubName: string }) {
  const [said, setSaid] = useState<string>()
  const [failure, act] = useAction()
  const copy = async (): Promise<void> => {
    const connectionString = await connectionStringFor(eventHubName)
    try {
      // Absent where the page came over the network: browsers have it for HTTPS and loopback alone.
      await navigator.clipboard.writeText(connectionString)
    } catch {
      throw new Error('Not allowed: see the terminal')
    }
    setSaid('Copied')
    setTimeout(() => setSaid(undefined), 2000)
  }
  return (
    <>
      <button type="button" onClick={() => act(copy)}>
        {failure ?? said ?? 'Copy connection string'}
      </button>
      {/* Beside the button: within it, it would take the button's name away. */}
      <span class="sr" role="status">
        {failure ?? said}
      </span>
    </>
  )
}
