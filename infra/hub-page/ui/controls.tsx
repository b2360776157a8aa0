import { useState } from 'preact/hooks'
import type { Meanwhile, ProcessState } from '../protocol.js'
import { useAction } from './hooks.js'
import { Card, Failure, Field, Switch } from './parts.js'
import { freeze, setFaults, setStream } from './server.js'
import type { State } from './state.js'

interface ControlProps {
  readonly state: State
  readonly eventHubName: string
}

/** A steady stream, so that faults have something to act on. */
export function StreamControl({ state, eventHubName }: ControlProps) {
  const isOn = state.producer?.isStreamOn ?? false
  const [rate, setRate] = useState('20')
  const [failure, act] = useAction()
  const most = state.hub?.maxEventsPerSecond ?? 1
  const apply = (on: boolean, text = rate): void => {
    const eventsPerSecond = Number(text)
    act(() => setStream({ eventHubName, on, eventsPerSecond }))
  }
  return (
    <Card title="Stream">
      <Switch
        label="Steady stream"
        hint={`Numbered readings of twelve meters, in invocations of up to ${(state.hub?.invocationTimeoutInMs ?? 0) / 1000} s. What is not accepted is delivered again.`}
        isOn={isOn}
        onChange={(on) => apply(on)}
      />
      <Field label="Events per second" class="inline">
        <input
          type="number"
          min="1"
          max={most}
          step="1"
          value={rate}
          onInput={({ currentTarget }) => setRate(currentTarget.value)}
          onChange={({ currentTarget }) => isOn && apply(true, currentTarget.value)}
        />
      </Field>
      <Failure message={failure} />
    </Card>
  )
}

const fates: Readonly<Record<Meanwhile, string>> = {
  nothing: 'nothing happens',
  silence: 'the peer goes silent',
  close: 'the connection is closed',
}

const processTexts: Readonly<Record<ProcessState, string>> = {
  absent: 'not started',
  running: 'running',
  freezing: 'freezing',
  frozen: 'frozen',
}

/** Stops the producer's process for real, and lets its connection die meanwhile. */
export function FreezeControl({ state, now }: { readonly state: State; readonly now: number }) {
  const [meanwhile, setMeanwhile] = useState<Meanwhile>('silence')
  const [seconds, setSeconds] = useState('')
  const [failure, act] = useAction()
  const { hub, producer } = state
  const process = producer?.process ?? 'absent'
  const isFrozen = process === 'frozen' || process === 'freezing'
  const frozenFor =
    producer?.frozenAt === undefined ? '' : ` for ${Math.max(0, (now - producer.frozenAt) / 1000).toFixed(0)} s`
  const why = hub?.cannotFreeze ?? (process === 'absent' ? 'Start the stream, or send an event, first.' : undefined)
  return (
    <Card
      title="Freeze"
      aside={
        <span class={`badge ${process}`}>
          <span role="status">{processTexts[process]}</span>
          <span aria-hidden="true">{frozenFor}</span>
        </span>
      }
    >
      <p class="hint">
        Stops the producer’s process (SIGSTOP) between two invocations, as serverless platforms do; a thaw (SIGCONT)
        lets it go on, with a connection that may have died without its knowledge.
      </p>
      <Field label="Meanwhile">
        <select
          value={meanwhile}
          onChange={({ currentTarget }) => setMeanwhile(currentTarget.value as Meanwhile)}
          disabled={isFrozen}
        >
          {Object.entries(fates).map(([name, text]) => (
            <option key={name} value={name}>
              {text}
            </option>
          ))}
        </select>
      </Field>
      <Field label="Thaw by itself after (s)" class="inline">
        <input
          type="number"
          min="1"
          max="600"
          step="1"
          placeholder="never"
          value={seconds}
          disabled={isFrozen}
          onInput={({ currentTarget }) => setSeconds(currentTarget.value)}
        />
      </Field>
      <div class="buttons even">
        <button
          type="button"
          class="primary"
          disabled={isFrozen || why !== undefined}
          onClick={() =>
            act(() =>
              freeze({
                frozen: true,
                meanwhile,
                ...(seconds.trim() !== '' && { thawAfterInMs: Math.round(Number(seconds) * 1000) }),
              }),
            )
          }
        >
          Freeze
        </button>
        <button type="button" disabled={!isFrozen} onClick={() => act(() => freeze({ frozen: false }))}>
          Thaw
        </button>
      </div>
      {why !== undefined && <p class="hint">{why}</p>}
      <Failure message={failure} />
    </Card>
  )
}

/** The faults of the hub. */
export function FaultControl({ state }: { readonly state: State }) {
  const { faults } = state
  const [failure, act] = useAction()
  const [latency, setLatency] = useState<string>()
  const [lost, setLost] = useState('3')
  const isAny = faults.throttle || faults.silence || faults.refuseConnections || faults.latencyInMs > 0
  return (
    <Card
      title="Faults"
      aside={
        <button type="button" class="quiet" disabled={!isAny} onClick={() => act(() => setFaults({ action: 'reset' }))}>
          All off
        </button>
      }
    >
      <Switch
        label="Throttle"
        hint="Every send is refused: server-busy."
        isOn={faults.throttle}
        onChange={(throttle) => act(() => setFaults({ throttle }))}
      />
      <Switch
        label="Silence"
        hint="Takes bytes, answers nothing: a peer that is gone without a word."
        isOn={faults.silence}
        onChange={(silence) => act(() => setFaults({ silence }))}
      />
      <Switch
        label="No new connections"
        hint="Drops each as soon as it is made."
        isOn={faults.refuseConnections}
        onChange={(refuseConnections) => act(() => setFaults({ refuseConnections }))}
      />
      <Field label="Added latency (ms)" class="inline">
        <input
          type="number"
          min="0"
          max="60000"
          step="50"
          value={latency ?? String(faults.latencyInMs)}
          onInput={({ currentTarget }) => setLatency(currentTarget.value)}
          onChange={({ currentTarget }) => {
            setLatency(undefined)
            act(() => setFaults({ latencyInMs: Number(currentTarget.value) }))
          }}
        />
      </Field>
      <h3>Once, now</h3>
      <div class="buttons">
        <button type="button" onClick={() => act(() => setFaults({ action: 'force-close' }))}>
          Force-close connections
        </button>
        <button type="button" onClick={() => act(() => setFaults({ action: 'detach-links' }))}>
          Detach links
        </button>
        <button type="button" onClick={() => act(() => setFaults({ action: 'destroy-connections' }))}>
          Cut connections
        </button>
      </div>
      <div class="lose">
        <Field label="Acknowledgements to lose">
          <input
            type="number"
            min="1"
            max="1000"
            value={lost}
            onInput={({ currentTarget }) => setLost(currentTarget.value)}
          />
        </Field>
        <button
          type="button"
          onClick={() => act(() => setFaults({ action: 'lose-acknowledgements', count: Number(lost) }))}
        >
          Lose them
        </button>
      </div>
      <Failure message={failure} />
    </Card>
  )
}
