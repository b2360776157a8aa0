import type { ProducerView } from '../protocol.js'
import { number } from './format.js'
import { Card } from './parts.js'

const nothing: ProducerView = {
  process: 'absent',
  isStreamOn: false,
  eventsPerSecond: 20,
  waiting: 0,
  underWay: 0,
  taken: 0,
  outcomes: { accepted: 0, refused: 0, unknown: 0, returned: 0 },
  created: 0,
  stored: 0,
  duplicates: 0,
  lost: 0,
}

/** The account of the page's producer: what its client took, and how all of it ended. */
export function Summary({ producer = nothing }: { readonly producer: ProducerView | undefined }) {
  const { taken, underWay, outcomes, waiting, created, stored, duplicates, lost } = producer
  return (
    <Card
      title="The producer’s account"
      class="summary"
      aside={<span class="muted">what this page sent, and how it ended</span>}
    >
      <dl class="tiles">
        <Tile id="taken" label="Taken" value={taken} title="Events given to the Sluice client, redeliveries included" />
        <Tile
          id="accepted"
          label="Accepted"
          value={outcomes.accepted}
          tone="good"
          sign="="
          title="Event Hubs has them"
        />
        <Tile
          id="refused"
          label="Refused"
          value={outcomes.refused}
          tone="bad"
          sign="+"
          title="The service, or a limit, said no"
        />
        <Tile
          id="unknown"
          label="Unknown"
          value={outcomes.unknown}
          tone="warn"
          sign="+"
          title="They left, and no answer came"
        />
        <Tile
          id="returned"
          label="Returned"
          value={outcomes.returned}
          tone="calm"
          sign="+"
          title="They certainly did not leave"
        />
        <Tile id="under-way" label="Under way" value={underWay} sign="+" title="Their invocation has not ended yet" />
      </dl>
      <p class="stream-account">
        <span>
          The stream made <b class="num">{number(created)}</b>; the hub has{' '}
          <b class="num" data-testid="stored">
            {number(stored)}
          </b>{' '}
          of them, <b class="num">{number(duplicates)}</b> again as a copy;{' '}
          <b class="num" data-testid="waiting">
            {number(waiting)}
          </b>{' '}
          wait.
        </span>
        <span class={lost === 0 ? 'verdict good' : 'verdict bad'}>
          Acknowledged but missing:{' '}
          <b class="num" data-testid="lost">
            {number(lost)}
          </b>
        </span>
      </p>
    </Card>
  )
}

function Tile(props: {
  readonly id: string
  readonly label: string
  readonly value: number
  readonly title: string
  readonly tone?: string
  readonly sign?: string
}) {
  return (
    <div class={`tile ${props.value > 0 ? (props.tone ?? '') : ''}`} title={props.title}>
      {props.sign !== undefined && (
        <span class="sign" aria-hidden="true">
          {props.sign}
        </span>
      )}
      <dt>{props.label}</dt>
      <dd class="num" data-testid={props.id}>
        {number(props.value)}
      </dd>
    </div>
  )
}
