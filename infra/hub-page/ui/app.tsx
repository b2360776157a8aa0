import { render } from 'preact'
import { useState } from 'preact/hooks'
import { Connections } from './connections.js'
import { FaultControl, FreezeControl, StreamControl } from './controls.js'
import { Detail, type EventPlace } from './detail.js'
import { Events } from './events.js'
import { Header } from './header.js'
import { useHub, useTheme } from './hooks.js'
import { Lanes } from './lanes.js'
import { Plots } from './plots.js'
import { SendForm } from './send-form.js'
import { Summary } from './summary.js'
import { Timeline } from './timeline.js'

function App() {
  const state = useHub()
  const theme = useTheme()
  const [chosenHub, chooseHub] = useState<string>()
  const [partitionId, choosePartition] = useState<string>()
  const [place, setPlace] = useState<EventPlace>()
  const eventHubName = chosenHub ?? state.hub?.eventHubNames[0] ?? ''
  const now = Date.now() + state.clockAheadInMs
  return (
    <>
      <a class="skip" href="#controls">
        Skip to the controls
      </a>
      <Header
        state={state}
        eventHubName={eventHubName}
        onChooseHub={(name) => {
          chooseHub(name)
          choosePartition(undefined)
        }}
        theme={theme.theme}
        onTheme={theme.setTheme}
      />
      <main class="page">
        <Summary producer={state.producer} />
        <div class="columns">
          <div class="column">
            <Lanes
              state={state}
              eventHubName={eventHubName}
              isDark={theme.isDark}
              partitionId={partitionId}
              onChoose={choosePartition}
            />
            <Plots state={state} now={now} />
          </div>
          <div class="column controls" id="controls" tabIndex={-1}>
            <StreamControl state={state} eventHubName={eventHubName} />
            <FreezeControl state={state} now={now} />
            <FaultControl state={state} />
            <SendForm state={state} eventHubName={eventHubName} />
          </div>
          <div class="column">
            <Timeline state={state} />
            <Events
              key={eventHubName}
              batches={state.batches}
              eventHubName={eventHubName}
              partitionId={partitionId}
              isHeld={place !== undefined}
              onClear={() => choosePartition(undefined)}
              onOpen={setPlace}
            />
            <Connections connections={state.connections} now={now} />
          </div>
        </div>
      </main>
      {place !== undefined && <Detail place={place} onClose={() => setPlace(undefined)} />}
    </>
  )
}

const root = document.getElementById('app')
if (root !== null) render(<App />, root)
