import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Ending } from '../support/fault-proxy.js'
import { until } from '../support/until.js'
import { type Lambda, startLambda } from './environment.js'
import { recordedEvent } from './recorded-events.js'

/** Longer than the two seconds after which a connection that was heard nothing of has to prove itself. */
const freezeInMs = 2300
/** Longer than the four seconds after which a handshake that was heard nothing of is begun anew. */
const longFreezeInMs = 4300
/** What a dead connection may cost; the promise is "about a second", and this machine may be busy. */
const longestRecoveryInMs = 4000

const endings: Ending[] = ['FIN', 'RST', 'silence']
const event = recordedEvent('sqs')
const ids: string[] = event.Records.map(({ messageId }: { messageId: string }) => messageId).sort()
const accepted = { kind: 'response', payload: { batchItemFailures: [] } }

/** Stops the process, loses its connections meanwhile, and lets it go on. */
async function freezeAndLose(lambda: Lambda, ending: Ending, timeInMs = freezeInMs): Promise<void> {
  await lambda.runtime.freeze()
  lambda.proxy.endOpenConnections(ending)
  await sleep(timeInMs)
  lambda.runtime.thaw()
}

describe.each(endings)('a connection that ends by %s while the process is frozen', (ending) => {
  test('between two invocations costs no record, and about a second', async () => {
    const lambda = await startLambda()
    expect(await lambda.invoke(event)).toMatchObject(accepted)
    await freezeAndLose(lambda, ending)

    const answer = await lambda.invoke(event)
    console.log(`thaw after ${ending}: the next invocation took ${answer.tookInMs} ms`)
    expect(answer).toMatchObject(accepted)
    expect(answer.tookInMs).toBeLessThan(longestRecoveryInMs)
    expect(lambda.landedIds()).toEqual([...ids, ...ids].sort())
    // And it lasts: the connection made then is kept.
    expect(await lambda.invoke(event)).toMatchObject(accepted)
    expect(lambda.proxy.connections).toHaveLength(2)
  })

  test('between init and the first invocation costs no record, and about a second', async () => {
    const lambda = await startLambda()
    await until('the init phase had connected', () => lambda.hub.connections.some(({ links }) => links.length > 2))
    await freezeAndLose(lambda, ending)

    const answer = await lambda.invoke(event)
    console.log(`thaw after ${ending}, cold: the first invocation took ${answer.tookInMs} ms`)
    expect(answer).toMatchObject(accepted)
    expect(answer.tookInMs).toBeLessThan(longestRecoveryInMs)
    expect(lambda.landedIds()).toEqual(ids)
  })

  test('in the middle of its handshake costs no record, and about a second', async () => {
    const lambda = await startLambda({ fault: 'silence' })
    await until('the init phase had begun to connect', () => lambda.proxy.bytesFromClients > 0)
    await freezeAndLose(lambda, ending, longFreezeInMs)
    lambda.hub.faults.reset()

    const answer = await lambda.invoke(event)
    console.log(`thaw after ${ending}, half connected: the first invocation took ${answer.tookInMs} ms`)
    expect(answer).toMatchObject(accepted)
    expect(answer.tookInMs).toBeLessThan(longestRecoveryInMs)
    expect(lambda.landedIds()).toEqual(ids)
  })
})

test('a connection that falls silent without a freeze costs no record, and about a second', async () => {
  const lambda = await startLambda()
  expect(await lambda.invoke(event)).toMatchObject(accepted)
  await lambda.runtime.api.idle()
  lambda.proxy.endOpenConnections('silence')

  // Heard a moment ago, so nothing is suspect yet. Its records go to a partition that has no link so far.
  const answer = await lambda.invoke(event)
  console.log(`silence without a freeze: the next invocation took ${answer.tookInMs} ms`)
  expect(answer).toMatchObject(accepted)
  expect(answer.tookInMs).toBeLessThan(longestRecoveryInMs)
  expect(lambda.landedIds()).toEqual([...ids, ...ids].sort())
})

test('a connection that lives through a freeze is used again', async () => {
  const lambda = await startLambda()
  expect(await lambda.invoke(event)).toMatchObject(accepted)
  await lambda.runtime.freeze()
  await sleep(freezeInMs)
  lambda.runtime.thaw()

  const answer = await lambda.invoke(event)
  console.log(`thaw with a live connection: the next invocation took ${answer.tookInMs} ms`)
  expect(answer).toMatchObject(accepted)
  expect(lambda.proxy.connections).toHaveLength(1)
  expect(lambda.landed()).toHaveLength(6)
})

describe('after the answer', () => {
  /** Not frozen: whatever is left behind has its chance to run. */
  const idleInMs = 1500

  test('not a byte leaves for the hub, and no connection is made', async () => {
    const lambda = await startLambda()
    await lambda.invoke(event)
    await lambda.quiet()
    expect(await lambda.invoke(event)).toMatchObject(accepted)
    const sent = lambda.proxy.bytesFromClients
    await sleep(idleInMs)
    expect(lambda.proxy.bytesFromClients).toBe(sent)
    expect(lambda.proxy.connections).toHaveLength(1)
  })

  test('that named every record as failed, none of them is sent any more, though the hub is back', async () => {
    const lambda = await startLambda()
    expect(await lambda.invoke(event)).toMatchObject(accepted)
    lambda.hub.faults.throttle = {}
    const answer = await lambda.invoke(event, { timeoutInMs: 2000 })
    expect(answer).toMatchObject({ kind: 'response', payload: { batchItemFailures: [{}, {}, {}] } })

    await lambda.quiet()
    lambda.hub.faults.reset()
    const sent = lambda.proxy.bytesFromClients
    await sleep(idleInMs)
    expect(lambda.proxy.bytesFromClients).toBe(sent)
    expect(lambda.landedIds()).toEqual(ids)
  })

  test('a connection that holds a batch without an answer is gone, so that its bytes cannot arrive later', async () => {
    const lambda = await startLambda({ partitionCount: 1 })
    expect(await lambda.invoke(event)).toMatchObject(accepted)
    lambda.hub.faults.dropAcknowledgements(100)
    const answer = await lambda.invoke(event, { timeoutInMs: 2000 })
    expect(answer).toMatchObject({ kind: 'response', payload: { batchItemFailures: [{}, {}, {}] } })
    await until('no connection was left', () => lambda.proxy.openCount === 0, 1000)
    await sleep(idleInMs)
    expect(lambda.proxy.openCount).toBe(0)
  })
})
