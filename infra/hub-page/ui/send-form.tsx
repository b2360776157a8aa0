import { useState } from 'preact/hooks'
import type { BodyKind, SendRequest } from '../protocol.js'
import { counted, duration, scalar } from './format.js'
import { useAction } from './hooks.js'
import { Card, Failure, Field } from './parts.js'
import { send } from './server.js'
import type { State } from './state.js'

interface Property {
  readonly id: number
  readonly name: string
  readonly value: string
}

type Target = 'none' | 'key' | 'partition'

const kinds: Readonly<Record<BodyKind, { readonly label: string; readonly contentType: string }>> = {
  json: { label: 'JSON', contentType: 'application/json' },
  text: { label: 'Text', contentType: 'text/plain' },
  hex: { label: 'Hex', contentType: 'application/octet-stream' },
}

/** Sends by the page's producer, and says what became of it. */
export function SendForm({ state, eventHubName }: { readonly state: State; readonly eventHubName: string }) {
  const [kind, setKind] = useState<BodyKind>('json')
  const [body, setBody] = useState('{ "hello": "hub" }')
  const [contentType, setContentType] = useState<string>()
  const [target, setTarget] = useState<Target>('key')
  const [key, setKey] = useState('customer-7')
  const [partitionId, setPartitionId] = useState('0')
  const [properties, setProperties] = useState<readonly Property[]>([])
  const [count, setCount] = useState('1')
  const [sendId, setSendId] = useState<number>()
  const [failure, act] = useAction()
  const partitionIds = [...state.lanes.values()].flatMap(({ count: stored }) =>
    stored.eventHubName === eventHubName ? [stored.partitionId] : [],
  )
  const type = contentType ?? kinds[kind].contentType
  const submit = (event: Event): void => {
    event.preventDefault()
    const request: SendRequest = {
      eventHubName,
      bodyKind: kind,
      body,
      count: Number(count),
      contentType: type,
      ...(target === 'key' && { partitionKey: key }),
      ...(target === 'partition' && { partitionId }),
      properties: Object.fromEntries(
        properties.filter(({ name }) => name !== '').map(({ name, value }) => [name, scalar(value)]),
      ),
    }
    setSendId(undefined)
    act(async () => setSendId((await send(request)).sendId))
  }
  const change = (id: number, changed: Partial<Property>): void =>
    setProperties(properties.map((property) => (property.id === id ? { ...property, ...changed } : property)))
  return (
    <Card title="Send">
      <form class="send" onSubmit={submit}>
        <fieldset class="segments">
          <legend class="sr">The body is</legend>
          {(Object.keys(kinds) as BodyKind[]).map((one) => (
            <label key={one} class="segment">
              <input type="radio" name="kind" checked={kind === one} onChange={() => setKind(one)} />
              <span>{kinds[one].label}</span>
            </label>
          ))}
        </fieldset>
        <Field label="Body">
          <textarea
            rows={3}
            spellcheck={false}
            value={body}
            onInput={({ currentTarget }) => setBody(currentTarget.value)}
          />
        </Field>
        <Field label="Content type">
          <input value={type} onInput={({ currentTarget }) => setContentType(currentTarget.value)} />
        </Field>
        <div class="pair">
          <Field label="Goes to">
            <select value={target} onChange={({ currentTarget }) => setTarget(currentTarget.value as Target)}>
              <option value="key">by its key</option>
              <option value="partition">one partition</option>
              <option value="none">any partition</option>
            </select>
          </Field>
          {target === 'key' && (
            <Field label="Key">
              <input value={key} onInput={({ currentTarget }) => setKey(currentTarget.value)} />
            </Field>
          )}
          {target === 'partition' && (
            <Field label="Partition">
              <select value={partitionId} onChange={({ currentTarget }) => setPartitionId(currentTarget.value)}>
                {partitionIds.map((id) => (
                  <option key={id}>{id}</option>
                ))}
              </select>
            </Field>
          )}
        </div>
        {properties.map(({ id, name, value }) => (
          <div key={id} class="property">
            <input
              aria-label="Name of the property"
              placeholder="name"
              value={name}
              onInput={({ currentTarget }) => change(id, { name: currentTarget.value })}
            />
            <input
              aria-label="Value of the property"
              placeholder="text, 7 or true"
              value={value}
              onInput={({ currentTarget }) => change(id, { value: currentTarget.value })}
            />
            <button
              type="button"
              class="quiet"
              aria-label={`Remove the property ${name}`}
              onClick={() => setProperties(properties.filter((property) => property.id !== id))}
            >
              ×
            </button>
          </div>
        ))}
        <div class="send-foot">
          <button
            type="button"
            class="quiet"
            onClick={() =>
              setProperties([...properties, { id: (properties.at(-1)?.id ?? 0) + 1, name: '', value: '' }])
            }
          >
            Add property
          </button>
          <Field label="How many" class="inline">
            <input
              type="number"
              min="1"
              max={state.hub?.maxEventsPerSend ?? 1}
              value={count}
              onInput={({ currentTarget }) => setCount(currentTarget.value)}
            />
          </Field>
        </div>
        <button type="submit" class="primary submit">
          Send
        </button>
        <Failure message={failure} />
        <Result state={state} sendId={sendId} />
      </form>
    </Card>
  )
}

function Result({ state, sendId }: { readonly state: State; readonly sendId: number | undefined }) {
  const ended = state.entries.findLast((entry) => entry.kind === 'invocation' && entry.sendId === sendId)
  const invocation = sendId !== undefined && ended?.kind === 'invocation' ? ended : undefined
  const isFrozen = state.producer?.process === 'frozen'
  return (
    <p class="result" role="status" data-testid="result">
      {sendId !== undefined && invocation === undefined && (isFrozen ? 'Waits for the thaw.' : 'Sending …')}
      {invocation !== undefined && (
        <>
          <span class={invocation.accepted === invocation.taken ? 'good' : 'bad'}>
            {(['accepted', 'refused', 'unknown', 'returned'] as const)
              .filter((outcome) => invocation[outcome] > 0)
              .map((outcome) => `${counted(invocation[outcome], 'event')} ${outcome}`)
              .join(', ')}
          </span>
          {` in ${duration(invocation.durationInMs)}.`}
          {invocation.reason !== undefined && <span class="hint block">{invocation.reason}</span>}
        </>
      )}
    </p>
  )
}
