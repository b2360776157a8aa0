import { describe, expect, test } from 'vitest'
import { EventHubError, type EventHubProducerClient, type EventInput } from '../../core/index.js'
import { fakeClient } from '../support/fake-client.js'
import type { FakeSend } from '../support/fake-transport.js'
import { settlePromises } from '../support/virtual-clock.js'

const ids = ['0', '1', '2', '3']
const gone = new EventHubError('gone', { code: 'entity-not-found', outcome: 'refused' })
const answer = (send: FakeSend) =>
  send.bodies.some((body) => body.startsWith('bad')) ? send.fail(gone) : send.accept()

/** A buffered client whose callbacks both do the same, once, for the event `good` or `bad`. */
function reentrant(act: (client: EventHubProducerClient) => unknown) {
  const told: string[] = []
  let acted: unknown
  const tell = (events: EventInput[]) => {
    for (const { body } of events) {
      told.push(String(body))
      if (body !== 'good' && body !== 'bad') continue
      acted = act(setup.client)
      return acted
    }
  }
  const setup = fakeClient(
    { partitionIds: ids, bufferedMode: true, onSuccess: tell, onError: tell },
    { onSend: answer },
  )
  return { ...setup, told, acted: () => acted }
}

describe.each(['good', 'bad'])('a callback of a %s event', (body) => {
  test('may flush, while a flush is under way: both end', async () => {
    const { client, told, acted } = reentrant((each) => each.flush())
    await client.sendEvent({ body }, { partitionId: '0' })
    await client.flush()
    await acted()
    expect(told).toEqual([body])
    expect(client.totalBufferedEventCount).toBe(0)
  })

  test('may send on, and what it sends is sent', async () => {
    const { client, told, acted } = reentrant((each) => each.sendEvent({ body: 'another' }, { partitionId: '0' }))
    await client.sendEvent({ body }, { partitionId: '0' })
    await client.flush()
    await acted()
    await client.flush()
    expect(told).toEqual([body, 'another'])
    expect(client.totalBufferedEventCount).toBe(0)
  })

  test('may send into a buffer that is full: its own event has left by then', async () => {
    const told: unknown[] = []
    const tell = (events: EventInput[]) => {
      told.push(...events.map((event) => event.body))
      if (told.length < 50) return client.sendEvent({ body }, { partitionId: '0' })
    }
    const { client } = fakeClient(
      { partitionIds: ids, bufferedMode: true, maxBufferLength: 1, maxWaitTimeInMs: 0, onSuccess: tell, onError: tell },
      { onSend: answer },
    )
    await client.sendEvent({ body }, { partitionId: '0' })
    for (let i = 0; i < 200 && told.length < 50; i++) await client.flush()
    expect(told).toHaveLength(50)
  })

  test('may close, while a flush is under way: the client is closed, and every event is told of once', async () => {
    const { client, told, acted, transport, clock } = reentrant((each) => each.close())
    await client.sendEvent({ body }, { partitionId: '0' })
    await client.sendEvent({ body: 'other' }, { partitionId: '1' })
    const flushed = client.flush()
    await clock.advance(2000)
    await flushed
    await acted()
    expect(told.sort()).toEqual([body, 'other'].sort())
    expect(transport.isClosed).toBe(true)
    await expect(client.sendEvent({ body: 'late' })).rejects.toMatchObject({ code: 'client-closed' })
  })

  test('may call close again while closing: it waits for the first, nobody for it', async () => {
    const { client, told, acted, clock } = reentrant((each) => each.close())
    await client.sendEvent({ body }, { partitionId: '0' })
    const closed = client.close()
    await clock.advance(2000)
    await closed
    await acted()
    expect(told).toEqual([body])
  })

  test('that throws, or rejects, ends neither the others nor the process', async () => {
    for (const fail of [
      () => {
        throw new Error('at once')
      },
      () => Promise.reject(new Error('later')),
    ]) {
      const { client, told, logged } = reentrant(fail)
      await client.sendEvent({ body }, { partitionId: '0' })
      await client.sendEvent({ body: 'other' }, { partitionId: '1' })
      await client.flush()
      await settlePromises()
      expect(told.sort()).toEqual([body, 'other'].sort())
      expect(logged.filter((line) => line.includes('callback failed'))).toHaveLength(1)
      expect(client.totalBufferedEventCount).toBe(0)
    }
  })

  test('that never ends holds nothing up', async () => {
    const { client, clock } = reentrant(() => new Promise(() => {}))
    await client.sendEvent({ body }, { partitionId: '0' })
    await client.flush()
    const closed = client.close()
    await clock.advance(2000)
    await closed
  })
})

test('counts are exact within a callback: its events are not counted any more', async () => {
  const counts: unknown[] = []
  const count = () => counts.push([client.totalBufferedEventCount, client.getBufferedEventCount('0')])
  const { client } = fakeClient(
    { partitionIds: ids, bufferedMode: true, onSuccess: count, onError: count },
    { onSend: answer },
  )
  await client.sendEvent({ body: 'a' }, { partitionId: '0' })
  await client.sendEvent({ body: 'bad' }, { partitionId: '1' })
  await client.flush()
  expect(counts).toEqual([
    [1, 0],
    [0, 0],
  ])
})

describe('onError without buffered mode', () => {
  test('may close the client and wait for that', async () => {
    const { client, transport } = fakeClient(
      { partitionIds: ids, onError: () => client.close() },
      { onSend: (send) => send.fail(gone) },
    )
    await client.sendEvent({ body: 'a' })
    expect(transport.isClosed).toBe(true)
  })

  test('may send again, and wait for that', async () => {
    const errors: string[] = []
    const { client, transport } = fakeClient(
      {
        partitionIds: ids,
        onError: async (_events, _partitionId, error) => {
          errors.push(error.code)
          if (errors.length === 1) await client.sendEvent({ body: 'instead' })
        },
      },
      { onSend: answer },
    )
    await client.sendEvent({ body: 'bad' })
    expect(transport.sends.map(({ bodies }) => bodies)).toEqual([['bad'], ['instead']])
    expect(errors).toEqual(['entity-not-found'])
  })

  test('that throws rejects the send with what it threw', async () => {
    const onError = () => {
      throw new Error('mine')
    }
    const { client } = fakeClient({ partitionIds: ids, onError }, { onSend: (send) => send.fail(gone) })
    await expect(client.sendEvent({ body: 'a' })).rejects.toThrow('mine')
  })
})
