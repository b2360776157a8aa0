import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { durableObjectIdempotencyStore, type IdempotencyNamespace } from '../../../adapters/fetch/index.js'
import { type LocalHub, startLocalHub } from '../../../infra/local-hub/index.js'
import { storeContract } from '../../adapters/fetch/idempotency/store-contract.js'
import { until } from '../support/until.js'
import { type RunningWorker, startWorker } from './worker.js'

let hub: LocalHub
let worker: RunningWorker

beforeAll(async () => {
  hub = await startLocalHub()
  worker = await startWorker(hub, 'objects')
}, 60_000)

afterAll(async () => {
  await worker?.server.close()
  await hub?.close()
})

const bodies = () => hub.events('events').map(({ body }) => body.toString())
const arrived = (prefix: string) => bodies().filter((body) => body.startsWith(prefix))

describe('the Durable Object', () => {
  test('holds one AMQP connection over many requests, at once and one after the other', async () => {
    for (let at = 0; at < 5; at += 1) expect((await worker.post(`"one ${at}"`)).status).toBe(200)
    const ids = hub.connections.map(({ id }) => id)
    expect(ids).toHaveLength(1)
    const answers = await Promise.all(Array.from({ length: 30 }, (_, at) => worker.post(`"many ${at}"`)))
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    expect(hub.connections.map(({ id }) => id)).toEqual(ids)
    expect(new Set(arrived('"one').concat(arrived('"many'))).size).toBe(35)
  })

  test.each([
    ['closes the connection', () => hub.faults.forceCloseConnections()],
    ['drops the connection without a word', () => hub.faults.destroyConnections()],
    ['falls silent on the connection', () => hub.faults.silenceOpenConnections()],
  ])('survives that the hub %s: the next request has a new one, and no event is lost or doubled', async (how, fail) => {
    const before = Math.max(...hub.connections.map(({ id }) => id))
    fail()
    for (let at = 0; at < 3; at += 1) expect((await worker.post(`"${how} ${at}"`)).status).toBe(200)
    expect(arrived(`"${how}`).sort()).toEqual([0, 1, 2].map((at) => `"${how} ${at}"`))
    await until('one connection is left', () => hub.connections.length === 1)
    expect(hub.connections[0]?.id).toBe(before + 1)
  })

  test('consumes the queue over the same connection, message by message', async () => {
    hub.faults.rejectNext({ condition: 'com.microsoft:argument-error' })
    await worker.queue.sendBatch(
      ['a', 'b', 'c'].map((letter) => ({ body: `queued ${letter}`, contentType: 'text' as const })),
    )
    await until('all have arrived, the refused ones by a second delivery', () => arrived('queued').length >= 3, 25_000)
    expect(arrived('queued').sort()).toEqual(['queued a', 'queued b', 'queued c'])
    expect(worker.log()).toMatch(/Queue events: \d of 3 events were not accepted/)
    expect(hub.connections).toHaveLength(1)
  })
})

describe('Idempotency-Key', () => {
  test('is honoured across instances: the object forgets nothing when it is taken out of memory', async () => {
    const headers = { 'idempotency-key': '"a-key"' }
    const first = await worker.post('["once"]', headers)
    expect(first.status).toBe(200)
    const evictions = Array.from({ length: 16 }, (_, shard) =>
      worker.server.getWorker().evictDurableObject('IdempotencyObject', { name: `idempotency-${shard}` }),
    )
    // The others were not in memory.
    expect((await Promise.allSettled(evictions)).filter(({ status }) => status === 'fulfilled')).not.toEqual([])
    const again = await worker.post('["once"]', headers)
    expect(again.status).toBe(200)
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect(await again.text()).toBe(await first.text())
    expect((await worker.post('["another"]', headers)).status).toBe(422)
    expect(arrived('"once')).toHaveLength(1)
    expect(arrived('"another')).toHaveLength(0)
  })

  describe('the store keeps the contract', () => {
    // Real time: long enough for a few answers of a busy machine.
    for (const { promise, hold } of storeContract(1000)) {
      test.concurrent(promise, async () => {
        const { IDEMPOTENCY } = await worker.server.getWorker<{ IDEMPOTENCY: IdempotencyNamespace }>().getEnv()
        const pass = (inMs: number) => new Promise<void>((resolve) => setTimeout(resolve, inMs))
        await hold({ store: durableObjectIdempotencyStore(IDEMPOTENCY), pass })
      })
    }
  })
})
