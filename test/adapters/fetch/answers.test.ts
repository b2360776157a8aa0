import { describe, expect, test } from 'vitest'
import {
  EventHubError,
  type EventHubErrorCode,
  type FailureOutcome,
  OperationTimeoutError,
} from '../../../core/errors.js'
import { bodyText, type Script } from './fake-client.js'
import { batched, FrontDoor, json, ndjson, statuses } from './front-door.js'

const secret = 'SharedAccessKey=do-not-show'

function failure(code: EventHubErrorCode, outcome: FailureOutcome, retryable: boolean, retryAfterInMs?: number) {
  return new EventHubError(`Detail with ${secret}`, {
    code,
    outcome,
    retryable,
    ...(retryAfterInMs === undefined ? {} : { retryAfterInMs }),
  })
}

const busy = failure('server-busy', 'refused', true, 4_200)
const tooLarge = failure('event-too-large', 'refused', false)
const lost = failure('connection-lost', 'unknown', true)
const missing = failure('entity-not-found', 'returned', false)
const malformed = failure('argument-error', 'refused', false)
const late = new OperationTimeoutError('late', { outcome: 'unknown' })

/** The event's own body names what becomes of it. */
function byBody(outcomes: Record<string, EventHubError>): Script {
  return ({ event }) => outcomes[JSON.parse(bodyText(event))]
}

const script = byBody({ busy, tooLarge, lost, missing, malformed, late })

describe('one answer for many events', () => {
  test('mixed outcomes: 207, and each event by its place', async () => {
    const door = new FrontDoor({}, script)
    const answer = await door.post('["ok","busy","lost","tooLarge","ok"]', json)
    expect(answer.status).toBe(207)
    expect(answer.headers.get('content-type')).toBe('application/json')
    const { results, ...counts } = answer.body
    expect(counts).toEqual({ accepted: 2, failed: 3 })
    expect(results?.map(({ message, ...rest }) => rest)).toEqual([
      { index: 0, status: 'accepted', retryable: false },
      { index: 1, status: 'refused', code: 'server-busy', partitionId: '3', retryable: true, retryAfterInMs: 4_200 },
      { index: 2, status: 'unknown', code: 'connection-lost', retryable: true },
      { index: 3, status: 'refused', code: 'event-too-large', retryable: false },
      { index: 4, status: 'accepted', retryable: false },
    ])
  })

  test.each([
    ['busy', '["busy"]', 429, 'event-hub-busy', '5'],
    ['busy beside what cannot be cured', '["busy","tooLarge","missing"]', 429, 'event-hub-busy', '5'],
    ['no answer', '["lost"]', 503, 'event-hub-unavailable', '4'],
    ['a missed deadline', '["late","late"]', 503, 'event-hub-unavailable', '4'],
    ['an event hub that is not there', '["missing"]', 503, 'event-hub-unavailable', '60'],
    ['too large beside no answer', '["tooLarge","lost"]', 503, 'event-hub-unavailable', '4'],
    ['too large', '["tooLarge","tooLarge"]', 413, 'event-too-large', null],
    ['what Event Hubs cannot take', '["malformed"]', 422, 'invalid-events', null],
  ])(
    'nothing accepted, %s: the status says it, with Retry-After where waiting helps',
    async (_, body, status, kind, retryAfter) => {
      const answer = await new FrontDoor({}, script).post(body, json)
      expect(answer.status).toBe(status)
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
      expect(answer.headers.get('retry-after')).toBe(retryAfter)
      expect(answer.body).toMatchObject({ type: `urn:problem:eventhub-sluice:${kind}`, status, accepted: 0 })
      expect(answer.body.title).toEqual(expect.any(String))
      expect(answer.body.detail).toEqual(expect.any(String))
      expect(answer.body.failed).toBe(JSON.parse(body).length)
    },
  )

  test('what is unknown, or failed with this request alone, is worth sending again whatever its error says', async () => {
    const outcomes = {
      unknown: failure('service-error', 'unknown', false),
      ended: failure('invocation-ended', 'returned', false),
      aborted: failure('aborted', 'returned', false),
      disabled: failure('entity-disabled', 'refused', false),
    }
    const names = Object.keys(outcomes)
    const answer = await new FrontDoor({}, byBody(outcomes)).post(JSON.stringify(names), json)
    const worthIt = answer.body.results?.filter(({ retryable }) => retryable).map(({ index }) => names[index])
    expect(worthIt).toEqual(['unknown', 'ended', 'aborted'])
  })

  test('invalid items beside a busy hub: 429, since nothing was accepted and the request can come again', async () => {
    const answer = await new FrontDoor({}, script).post('"busy"\nx', ndjson)
    expect(answer.status).toBe(429)
    expect(statuses(answer)).toEqual(['refused', 'invalid'])
  })

  test('what the errors themselves say reaches the log and not the caller', async () => {
    const door = new FrontDoor({}, script)
    const answer = await door.post('["missing"]', json)
    expect(answer.text).not.toContain(secret)
    expect(door.log.join('\n')).toContain('entity-not-found')
  })

  test('an event that the invocation would not even take is reported, not claimed', async () => {
    const door = new FrontDoor()
    const real = door.client.beginInvocation.bind(door.client)
    door.client.beginInvocation = (options) => {
      const invocation = real(options)
      invocation.sendEvent = async () => {
        throw new TypeError('no event')
      }
      return invocation
    }
    const answer = await door.post('[1]', json)
    expect(answer.status).toBe(422)
    expect(answer.body.results).toEqual([
      expect.objectContaining({ index: 0, status: 'refused', code: 'argument-error', retryable: false }),
    ])
  })

  test('a report that does not add up is a 500, never a claim', async () => {
    const door = new FrontDoor()
    const real = door.client.beginInvocation.bind(door.client)
    door.client.beginInvocation = (options) => {
      const invocation = real(options)
      invocation.end = async () => ({ accepted: 1, failures: [], durationInMs: 0 })
      return invocation
    }
    const answer = await door.post('[1,2]', json)
    expect(answer.status).toBe(500)
    expect(answer.text).not.toContain('accepted')
  })

  test('a client that is closed already: 503 with Retry-After', async () => {
    const door = new FrontDoor()
    door.client.isClosed = true
    const answer = await door.post('[1]', json)
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('4')
  })
})

describe('the partition key', () => {
  const event = { specversion: '1.0', id: '1', source: '/s', type: 't' }

  test('comes from the header, else from the query', async () => {
    const door = new FrontDoor()
    await door.post('1', { ...json, 'x-partition-key': 'from header' }, '/events?partitionKey=from-query')
    await door.post('1', json, '/events?partitionKey=%E6%97%A5%E6%9C%AC%20%F0%9F%98%80')
    await door.post('1', { ...json, 'x-partition-key': '' }, '/events?partitionKey=')
    expect(door.client.sent.map(({ partitionKey }) => partitionKey)).toEqual(['from header', '日本 😀', undefined])
  })

  test("of a CloudEvent: its own extension wins over the request's, and stays among its attributes", async () => {
    const door = new FrontDoor()
    const body = JSON.stringify([{ ...event, partitionkey: 'own' }, event, { ...event, partitionkey: 7 }])
    await door.post(body, { ...batched, 'x-partition-key': 'header' })
    expect(door.client.sent.map(({ partitionKey }) => partitionKey)).toEqual(['own', 'header', '7'])
    expect(door.client.sent[0]?.event.properties?.['cloudEvents:partitionkey']).toBe('own')
  })

  test("the operator's function wins over all; undefined leaves the choice to the request", async () => {
    const door = new FrontDoor({
      partitionKey: (request, incoming) => {
        if (incoming.kind === 'json') return (incoming.value as { device?: string }).device
        return incoming.kind === 'cloudevent' && incoming.attributes.id === '1'
          ? (request.headers.get('x-tenant') ?? undefined)
          : undefined
      },
    })
    const headers = { 'x-partition-key': 'header', 'x-tenant': 'tenant' }
    await door.post('[{"device":"d1"},{}]', { ...json, ...headers })
    const other = { ...event, id: '2', partitionkey: 'own' }
    await door.post(JSON.stringify([{ ...event, partitionkey: 'own' }, other]), { ...batched, ...headers })
    expect(door.client.sent.map(({ partitionKey }) => partitionKey)).toEqual(['d1', 'header', 'tenant', 'own'])
  })

  test("an empty one of the operator's function is none", async () => {
    const door = new FrontDoor({ partitionKey: () => '' })
    await door.post('1', { ...json, 'x-partition-key': 'header' })
    await door.post('2', json)
    expect(door.client.sent.map(({ partitionKey }) => partitionKey)).toEqual(['header', undefined])
  })

  test('in a header it is printable ASCII: anything else would be hashed as a guess', async () => {
    const door = new FrontDoor()
    const answer = await door.post('1', { ...json, 'x-partition-key': 'caf\xe9' })
    expect(answer.status).toBe(400)
    expect(answer.body.type).toBe('urn:problem:eventhub-sluice:invalid-partition-key')
    expect(door.client.invocations).toEqual([])
  })

  test('a function that throws or returns no string stops the request, truthfully: what was taken is reported', async () => {
    for (const bad of [
      () => {
        throw new Error('no such tenant')
      },
      () => 5 as unknown as string,
    ]) {
      let calls = 0
      const door = new FrontDoor({
        partitionKey: () => {
          calls += 1
          return calls > 2 ? bad() : 'k'
        },
      })
      const answer = await door.post('[1,2,3,4]', json)
      expect(answer.status).toBe(207)
      expect(statuses(answer)).toEqual(['accepted', 'accepted'])
      expect(answer.body.problem?.status).toBe(500)
      expect(answer.text).not.toContain('no such tenant')
      expect(door.client.bodies).toEqual(['1', '2'])
      expect(door.client.last.isEnded).toBe(true)
      expect(door.log).toHaveLength(1)
    }
  })

  test('a function that cannot parse an event has nothing of it in the log', async () => {
    const door = new FrontDoor({
      partitionKey: (_, event) => (event.kind === 'bytes' ? JSON.parse(new TextDecoder().decode(event.data)).id : 'k'),
    })
    const answer = await door.post('secret of\na patient', { 'content-type': 'text/plain' })
    expect(answer.status).toBe(500)
    expect(door.log.join()).toMatch(/SyntaxError: .*\n +at JSON.parse/)
    expect(door.log.join()).not.toMatch(/secret|patient/)
  })
})
