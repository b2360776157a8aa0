import { describe, expect, test } from 'vitest'
import type { EventHubError } from '../../../core/errors.js'
import { batched, FrontDoor, json, ndjson, post, statuses, structured, upload } from './front-door.js'

describe('the size of a body', () => {
  test.each([
    json,
    structured,
    batched,
    ndjson,
    { 'ce-id': '1', 'ce-specversion': '1.0', 'ce-type': 't', 'ce-source': 's' },
  ])('is refused by its Content-Length before a byte is read (%o)', async (headers) => {
    const door = new FrontDoor({ maxBodySizeInBytes: 10 })
    const answer = await door.post('12345678901', { ...headers, 'content-length': '11' })
    expect(answer.status).toBe(413)
    expect(answer.body.type).toBe('urn:problem:eventhub-sluice:body-too-large')
    expect(door.client.invocations).toEqual([])
  })

  test('is counted while it is read, Content-Length or not, and the rest of the upload is let go', async () => {
    const door = new FrontDoor({ maxBodySizeInBytes: 10 })
    const { body, write, isCancelled } = upload()
    const answering = door.post(body, json)
    write('"12345')
    write('67890"')
    const answer = await answering
    expect(answer.status).toBe(413)
    await isCancelled
    expect(door.client.last.isEnded).toBe(true)
    expect(door.client.sent).toEqual([])
  })

  test('a body of exactly the limit passes', async () => {
    expect((await new FrontDoor({ maxBodySizeInBytes: 10 }).post('1234567890', json)).status).toBe(200)
  })

  test('NDJSON that grows too large: what was taken is reported, the rest was not sent', async () => {
    const door = new FrontDoor({ maxBodySizeInBytes: 8 })
    const { body, write } = upload()
    const answering = door.post(body, ndjson)
    write('1\n2\n3\n')
    write('4\n5\n6\n')
    const answer = await answering
    expect(answer.status).toBe(207)
    expect(statuses(answer)).toEqual(['accepted', 'accepted', 'accepted'])
    expect(answer.body.problem).toMatchObject({ status: 413, type: 'urn:problem:eventhub-sluice:body-too-large' })
    expect(door.client.bodies).toEqual(['1', '2', '3'])
  })
})

describe('the number of events', () => {
  test('an array or batch of too many is refused whole', async () => {
    const door = new FrontDoor({ maxEventsPerRequest: 2 })
    for (const headers of [json, batched]) {
      const answer = await door.post('[1,2,3]', headers)
      expect(answer.status).toBe(413)
      expect(answer.body.type).toBe('urn:problem:eventhub-sluice:too-many-events')
    }
    expect(door.client.sent).toEqual([])
    expect((await door.post('[1,2]', json)).status).toBe(200)
  })

  test('NDJSON of too many lines: those up to the limit are reported, and the line where reading stopped is named', async () => {
    const door = new FrontDoor({ maxEventsPerRequest: 2 })
    const answer = await door.post('1\n\n2\n3\n4', ndjson)
    expect(answer.status).toBe(207)
    expect(statuses(answer)).toEqual(['accepted', 'accepted'])
    expect(answer.body.problem?.detail).toContain('Line 4')
    expect(door.client.bodies).toEqual(['1', '2'])
    expect((await door.post('1\n2\n\n\n', ndjson)).status).toBe(200)
  })
})

describe('time', () => {
  test('the invocation gets timeoutInMs, or what the platform leaves if that is less', async () => {
    const door = new FrontDoor({ timeoutInMs: 9_000 })
    await door.send(post('1', json))
    await door.send(post('1', json), { remainingTimeInMs: () => 60_000 })
    await door.send(post('1', json), { remainingTimeInMs: () => 1_234.5 })
    await door.send(post('1', json), { remainingTimeInMs: () => -3 })
    const given = door.client.invocations.map(({ options }) => options.timeoutInMs ?? 0)
    for (const [index, most] of [9_000, 9_000, 1_234, 1].entries()) {
      expect(given[index]).toBeLessThanOrEqual(most)
      // Less what judging the request took.
      expect(given[index]).toBeGreaterThan(most - 1_000)
    }
    const byDefault = new FrontDoor()
    await byDefault.send(post('1', json))
    expect(Math.ceil((byDefault.client.last.options.timeoutInMs ?? 0) / 1_000)).toBe(25)
  })

  test('an upload that outlasts the deadline: 408, and the upload is let go', async () => {
    const door = new FrontDoor()
    const { body, write, isCancelled } = upload()
    const answering = door.post(body, json)
    write('[1,')
    await invocationBegun(door)
    door.client.last.expire()
    const answer = await answering
    expect(answer.status).toBe(408)
    expect(answer.body.type).toBe('urn:problem:eventhub-sluice:upload-too-slow')
    await isCancelled
    expect(door.client.last.isEnded).toBe(true)
  })

  test('a deadline amid NDJSON: the lines taken are reported, none is claimed for the rest', async () => {
    const door = new FrontDoor({}, (_, index) => {
      if (index === 1) door.client.last.expire()
      return undefined
    })
    const { body, write } = upload()
    const answering = door.post(body, ndjson)
    write('1\n2\n')
    const answer = await answering
    expect(answer.status).toBe(207)
    expect(statuses(answer)).toEqual(['accepted', 'returned'])
    expect(answer.body.problem?.status).toBe(408)
    expect(door.client.bodies).toEqual(['1'])
  })

  test('a deadline while Event Hubs stalls is a 503, whatever was still to read', async () => {
    const door = new FrontDoor({}, (_, index) => {
      if (index === 0) door.client.last.expire()
      return undefined
    })
    const answer = await door.post('1\n2\n', ndjson)
    expect(answer.status).toBe(503)
    expect(answer.body.results?.every(({ status, retryable }) => status === 'returned' && retryable)).toBe(true)
  })
})

describe('a caller that goes away', () => {
  test('ends the invocation with the request, with nothing sent after it', async () => {
    const caller = new AbortController()
    const door = new FrontDoor({}, (_, index) => {
      if (index === 1) caller.abort()
      return undefined
    })
    const { body, write } = upload()
    const request = new Request('http://door.test/events', {
      method: 'POST',
      headers: ndjson,
      body,
      signal: caller.signal,
      duplex: 'half',
    })
    const answering = door.send(request)
    write('1\n2\n3\n')
    const answer = await answering
    expect(door.client.last.isEnded).toBe(true)
    expect(door.client.bodies).toEqual(['1'])
    expect(statuses(answer)[0]).toBe('accepted')
    expect(
      statuses(answer)
        .slice(1)
        .every((status) => status === 'returned'),
    ).toBe(true)
    expect(door.log.join()).toContain('Its caller had gone.')
  })

  test('an upload that breaks off: 400, and an array of which a part came sends nothing', async () => {
    const door = new FrontDoor()
    const { body, write, breakOff } = upload()
    const answering = door.post(body, json)
    write('[1,2]')
    breakOff()
    const answer = await answering
    expect(answer.status).toBe(400)
    expect(answer.body.type).toBe('urn:problem:eventhub-sluice:upload-aborted')
    expect(door.client.sent).toEqual([])
    expect(door.client.last.isEnded).toBe(true)
  })

  test('NDJSON that breaks off in a line: whole lines are reported, the torn one is not taken', async () => {
    let taken = () => {}
    const firstTaken = new Promise<void>((resolve) => {
      taken = resolve
    })
    const door = new FrontDoor({}, () => {
      taken()
      return undefined
    })
    const { body, write, breakOff } = upload()
    const answering = door.post(body, ndjson)
    write('1\n234')
    await firstTaken
    breakOff()
    const answer = await answering
    expect(answer.status).toBe(207)
    expect(answer.body.problem?.type).toMatch(/upload-aborted$/)
    expect(door.client.bodies).toEqual(['1'])
  })

  test('waitUntil gets a promise that settles with the answer and never rejects', async () => {
    const kept: Promise<unknown>[] = []
    const ctx = { waitUntil: (promise: Promise<unknown>) => void kept.push(promise) }
    const door = new FrontDoor()
    await door.send(post('1', json), ctx)
    door.client.beginInvocation = () => {
      throw new Error('broken')
    }
    expect((await door.send(post('1', json), ctx)).status).toBe(500)
    expect(kept).toHaveLength(1)
    await expect(kept[0]).resolves.toBeUndefined()
  })

  test('a fast upload waits while the invocation has no room', async () => {
    let free: (outcome: EventHubError | undefined) => void = () => {}
    const room = new Promise<EventHubError | undefined>((resolve) => {
      free = resolve
    })
    const taken: number[] = []
    const door = new FrontDoor({}, (_, index) => {
      taken.push(index)
      return index === 0 ? room : undefined
    })
    const answering = door.post('1\n2\n3', ndjson)
    await invocationBegun(door)
    for (let turns = 0; turns < 20; turns += 1) await turn()
    expect(taken).toEqual([0])
    free(undefined)
    await answering
    expect(taken).toEqual([0, 1, 2])
  })
})

/** Lets everything run that waits for nothing but its turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** A request is judged over a few turns before its invocation begins. */
async function invocationBegun(door: FrontDoor): Promise<void> {
  while (door.client.invocations.length === 0) await turn()
}
