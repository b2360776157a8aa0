import { describe, expect, test } from 'vitest'
import { startLambda } from './environment.js'
import type { Answer } from './invocations.js'
import { recordedEvent } from './recorded-events.js'

/** So that the reserve, a tenth of it, covers a busy machine as well. */
const timeoutInMs = 5000
const messageIds = (event: { Records: { messageId: string }[] }) => event.Records.map(({ messageId }) => messageId)
const items = (ids: string[]) => ids.map((itemIdentifier) => ({ itemIdentifier }))

// biome-ignore lint/suspicious/noExplicitAny: recorded JSON of many shapes
type Json = any

/** Sources that deliver in order: how a record is named in the hub and in the answer, and which of them the answer names. */
const ordered = [
  {
    name: 'sqs-fifo',
    id: ({ messageId }: Json) => messageId,
    identifier: ({ messageId }: Json) => messageId,
    again: (all: string[]) => all,
  },
  {
    name: 'kinesis',
    id: ({ eventID }: Json) => eventID,
    identifier: ({ kinesis }: Json) => kinesis.sequenceNumber,
    again: (all: string[]) => all.slice(0, 1),
  },
  {
    name: 'dynamodb',
    id: ({ eventID }: Json) => eventID,
    identifier: ({ dynamodb }: Json) => dynamodb.SequenceNumber,
    again: (all: string[]) => all.slice(0, 1),
  },
]

/** A margin that a runtime needs to hand the answer over; an answer that took much less time gave up early. */
function expectJustInTime({ kind, tookInMs }: Answer): void {
  expect(kind).not.toBe('timed-out')
  expect(tookInMs).toBeGreaterThan(timeoutInMs / 2)
  expect(tookInMs).toBeLessThan(timeoutInMs)
  console.log(`stalled hub: answered ${timeoutInMs - tookInMs} ms before the deadline`)
}

describe('a hub that stalls', () => {
  test('makes SQS deliver every message again, before the deadline, and the next invocation finds it when it is back', async () => {
    const lambda = await startLambda()
    const event = recordedEvent('sqs')
    await lambda.invoke(event)
    lambda.hub.faults.silence = true
    const answer = await lambda.invoke(event, { timeoutInMs })
    expect(answer).toMatchObject({ kind: 'response', payload: { batchItemFailures: items(messageIds(event)) } })
    expectJustInTime(answer)

    // As when the hub is started anew: it knows none of the connections that it had.
    lambda.hub.faults.reset()
    lambda.hub.faults.destroyConnections()
    const recovered = await lambda.invoke(event)
    console.log(`stalled hub: the invocation after it took ${recovered.tookInMs} ms`)
    expect(recovered).toMatchObject({ payload: { batchItemFailures: [] } })
    expect(recovered.tookInMs).toBeLessThan(4000)
    expect(lambda.landedIds()).toEqual([...messageIds(event), ...messageIds(event)].sort())
  })

  test.each(ordered)(
    'on one partition makes $name deliver again from there',
    async ({ name, id, identifier, again }) => {
      const lambda = await startLambda({ partitionCount: 4 })
      const event = recordedEvent(name)
      await lambda.invoke(event)
      const partitions = new Map(
        lambda.landed().map(({ properties, partitionId }) => [properties['message-id'], partitionId]),
      )
      // The second record's key is another than the first's, and its partition must be, or this would show nothing.
      const [first, stalled = ''] = event.Records.map((record: Json) => partitions.get(id(record)))
      expect(stalled).not.toBe(first)

      lambda.hub.faults.dropAcknowledgements(1000, { partitionId: stalled })
      const answer = await lambda.invoke(event, { timeoutInMs })
      const meant = event.Records.filter((record: Json) => partitions.get(id(record)) === stalled).map(identifier)
      expect(answer).toMatchObject({ kind: 'response', payload: { batchItemFailures: items(again(meant)) } })
      expectJustInTime(answer)
    },
  )

  test.each(['destination-success', 'eventbridge-custom'])(
    'makes the delivery of %s an error, before the deadline',
    async (name) => {
      const lambda = await startLambda()
      await lambda.invoke(recordedEvent('sqs'))
      lambda.hub.faults.silence = true
      const answer = await lambda.invoke(recordedEvent(name), { timeoutInMs })
      expect(answer).toMatchObject({ kind: 'error', error: { errorType: 'EventsNotAcceptedError' } })
      expectJustInTime(answer)
    },
  )
})
