import { describe, expect, test } from 'vitest'
import type { FetchContext, FetchHandlerOptions } from '../../../adapters/fetch/index.js'
import { EventHubError } from '../../../core/errors.js'
import type { Script } from './fake-client.js'
import { type Answer, FrontDoor, json, ndjson, statuses, upload } from './front-door.js'

const asked = { ...json, prefer: 'respond-async, wait=10' }

/** A platform that lets work go on, and can be waited for. */
function platform() {
  const kept: Promise<unknown>[] = []
  const ctx: FetchContext = { waitUntil: (promise) => void kept.push(promise) }
  return { ctx, settled: () => Promise.all(kept), kept }
}

/** A hub that answers when it is told to. */
function slowHub(outcome?: EventHubError) {
  let answerNow = () => {}
  const answered = new Promise<EventHubError | undefined>((resolve) => {
    answerNow = () => resolve(outcome)
  })
  const script: Script = () => answered
  return { script, answerNow }
}

function request(body: RequestInit['body'], headers: Record<string, string>, signal?: AbortSignal): Request {
  const init = { method: 'POST', headers, body: body ?? null, duplex: 'half' as const }
  return new Request('http://door.test/events', signal ? { ...init, signal } : init)
}

function answeredEarly(answer: Answer): boolean {
  expect(answer.headers.get('preference-applied')).toBe(answer.status === 202 ? 'respond-async' : null)
  return answer.status === 202
}

describe('a caller that prefers not to wait', () => {
  test('is answered 202 before the hub has the events, which go on', async () => {
    const { script, answerNow } = slowHub()
    const door = new FrontDoor({ allowRespondAsync: true }, script)
    const { ctx, settled } = platform()
    const answer = await door.send(request('[1,2]', asked), ctx)
    expect([answer.status, answer.text]).toEqual([202, '{"pending":2}'])
    expect(answer.headers.get('preference-applied')).toBe('respond-async')
    expect(door.client.sent).toEqual([])
    answerNow()
    await settled()
    expect(door.client.bodies).toEqual(['1', '2'])
    expect(door.client.last.isEnded).toBe(true)
    expect(door.log).toEqual([])
  })

  test.each([
    ['respond-async', true],
    ['Respond-Async', true],
    ['wait=5, respond-async', true],
    ['respond-async; foo=bar', true],
    ['respond-asynchronously', false],
    ['return=minimal', false],
    ['x=respond-async', false],
  ])('Prefer: %s means %s', async (prefer, isEarly) => {
    const { ctx, settled } = platform()
    const answer = await new FrontDoor({ allowRespondAsync: true }).send(request('1', { ...json, prefer }), ctx)
    expect(answeredEarly(answer)).toBe(isEarly)
    await settled()
  })

  test.each<[string, Partial<FetchHandlerOptions>, Record<string, string>, boolean]>([
    ['the operator did not allow it', {}, asked, true],
    ['the caller did not ask', { allowRespondAsync: true }, json, true],
    ['the platform lets nothing go on', { allowRespondAsync: true }, asked, false],
  ])('is answered in full where %s', async (_, options, headers, hasPlatform) => {
    const { ctx } = platform()
    const answer = await new FrontDoor(options).send(request('[1]', headers), hasPlatform ? ctx : {})
    expect(answeredEarly(answer)).toBe(false)
    expect(answer.body).toMatchObject({ accepted: 1 })
  })

  test('whose body is not valid is answered in full: 400, 413, 422 or 207', async () => {
    const door = new FrontDoor({ allowRespondAsync: true, maxEventsPerRequest: 3 })
    const { ctx } = platform()
    expect((await door.send(request('[1', asked), ctx)).status).toBe(400)
    expect((await door.send(request('[1,2,3,4]', asked), ctx)).status).toBe(413)
    expect((await door.send(request('', asked), ctx)).status).toBe(400)
    const lines = { ...ndjson, prefer: 'respond-async' }
    expect((await door.send(request('\n', lines), ctx)).status).toBe(400)
    expect((await door.send(request('x', lines), ctx)).status).toBe(422)
    const mixed = await door.send(request('1\nx', lines), ctx)
    expect([answeredEarly(mixed), ...statuses(mixed)]).toEqual([false, 'accepted', 'invalid'])
  })

  test('is answered in full when an event is refused as it is taken', async () => {
    const tooLarge = new EventHubError('large', { code: 'event-too-large', outcome: 'refused' })
    const door = new FrontDoor({ allowRespondAsync: true })
    const begin = door.client.beginInvocation.bind(door.client)
    door.client.beginInvocation = (options) => {
      const invocation = begin(options)
      const send = invocation.sendEvent.bind(invocation)
      // As the real one: such an event is rejected at once, and stands in the report.
      invocation.sendEvent = async (event, sendOptions) => {
        if (event.body === '"large"') throw tooLarge
        await send(event, sendOptions)
      }
      return invocation
    }
    const { ctx } = platform()
    const answer = await door.send(request('["small","large"]', asked), ctx)
    expect([answer.status, ...statuses(answer)]).toEqual([207, 'accepted', 'refused'])
  })

  test('has every failure after the 202 told to the log', async () => {
    const { script, answerNow } = slowHub(new EventHubError('busy', { code: 'server-busy', retryable: true }))
    const door = new FrontDoor({ allowRespondAsync: true }, script)
    const { ctx, settled } = platform()
    expect((await door.send(request('["body-of-the-event"]', asked), ctx)).status).toBe(202)
    answerNow()
    await settled()
    expect(door.log).toEqual([expect.stringContaining('1 of 1 events were not accepted')])
    expect(door.log.join()).not.toContain('body-of-the-event')
  })

  test('may leave after the 202: its events go on', async () => {
    const { script, answerNow } = slowHub()
    const door = new FrontDoor({ allowRespondAsync: true }, script)
    const { ctx, settled } = platform()
    const caller = new AbortController()
    expect((await door.send(request('[1]', asked, caller.signal), ctx)).status).toBe(202)
    caller.abort()
    answerNow()
    await settled()
    expect(door.client.bodies).toEqual(['1'])
  })

  test('that leaves during its upload has nothing sent', async () => {
    const door = new FrontDoor({ allowRespondAsync: true })
    const { ctx, settled } = platform()
    const caller = new AbortController()
    const { body, write } = upload()
    const answering = door.send(request(body, asked, caller.signal), ctx)
    write('[1,')
    caller.abort()
    expect((await answering).status).toBe(400)
    await settled()
    expect(door.client.sent).toEqual([])
  })

  test('is answered in full where the platform refuses to go on', async () => {
    const door = new FrontDoor({ allowRespondAsync: true })
    const ctx: FetchContext = {
      waitUntil: () => {
        throw new TypeError('Illegal invocation')
      },
    }
    const answer = await door.send(request('[1]', asked), ctx)
    expect([answer.status, door.client.bodies]).toEqual([200, ['1']])
  })

  test('a partition key function that throws sends nothing', async () => {
    const door = new FrontDoor({
      allowRespondAsync: true,
      partitionKey: (_, event) => {
        if (event.kind === 'json' && event.value === 2) throw new Error('no')
        return 'k'
      },
    })
    const { ctx } = platform()
    expect((await door.send(request('[1,2]', asked), ctx)).status).toBe(500)
    expect(door.client.sent).toEqual([])
  })
})
