import { expect, test } from 'vitest'
import { Ledger } from '../../../../infra/hub-page/ledger.js'
import type { InvocationReport, Invoke } from '../../../../infra/hub-page/producer-protocol.js'
import { EventSource } from '../../../../infra/hub-page/source.js'
import { type Invoked, Trigger } from '../../../../infra/hub-page/trigger.js'

/** A trigger whose producer reports when the test says so. */
function make(maxEventsPerInvocation = 10) {
  const source = new EventSource(1000)
  const ledger = new Ledger()
  const running: { readonly work: Omit<Invoke, 'id'>; report(failed: number[] | undefined): Promise<void> }[] = []
  const invoked: Invoked[] = []
  const trigger = new Trigger(
    {
      source,
      ledger,
      maxEventsPerInvocation,
      connectionStringFor: (name) => `to ${name}`,
      invoke: (work) =>
        new Promise((resolve) => {
          running.push({
            work,
            report: async (failed) => {
              resolve(failed && reportOf(sizeOf(work), failed))
              // The trigger goes on in a later turn.
              await new Promise((done) => setImmediate(done))
            },
          })
        }),
      onInvoked: (one) => invoked.push(one),
    },
    'events',
  )
  const make = (count: number): void => {
    source.setRate(count, 0)
    source.produce(1000)
    source.setRate(0, 1000)
  }
  return { source, ledger, running, invoked, trigger, make }
}

const sizeOf = ({ work }: Omit<Invoke, 'id'>): number => (work.kind === 'stream' ? work.numbers.length : work.count)

function reportOf(taken: number, failed: readonly number[]): InvocationReport {
  return { accepted: taken - failed.length, refused: failed.length, unknown: 0, returned: 0, durationInMs: 1, failed }
}

test('runs a few invocations side by side, and the next ones as these end', async () => {
  const { running, trigger, make: produce } = make()
  produce(55)
  trigger.dispatch()
  expect(running.map(({ work }) => sizeOf(work))).toEqual([10, 10, 10, 10])
  await running[0]?.report([])
  expect(running.map(({ work }) => sizeOf(work))).toEqual([10, 10, 10, 10, 10])
  await running[1]?.report([])
  expect(sizeOf(running[5]!.work)).toBe(5)
})

test('delivers again exactly what was not accepted, and not at once when nothing was', async () => {
  const { running, trigger, ledger, make: produce } = make()
  produce(3)
  trigger.dispatch()
  await running[0]?.report([1])
  expect(running[1]?.work.work).toEqual({ kind: 'stream', numbers: [1] })
  await running[1]?.report([0])
  expect(running).toHaveLength(2)
  trigger.dispatch()
  expect(running[2]?.work.work).toEqual({ kind: 'stream', numbers: [1] })
  expect(ledger.view).toMatchObject({ taken: 5, underWay: 1, outcomes: { accepted: 2, refused: 2 } })
})

test('a producer that ended without a report leaves its events unknown, and they are delivered again', async () => {
  const { running, trigger, ledger, source, make: produce } = make()
  produce(2)
  trigger.dispatch()
  await running[0]?.report(undefined)
  expect(ledger.view).toMatchObject({ taken: 2, underWay: 0, outcomes: { unknown: 2 } })
  expect(source.waiting).toBe(2)
})

test('held, it starts nothing and says when the last invocation has ended; released, it goes on', async () => {
  const { running, trigger, invoked, make: produce } = make()
  produce(10)
  trigger.dispatch()
  const held = trigger.hold().then(() => 'held')
  produce(10)
  trigger.dispatch()
  const sendId = trigger.send('orders', { kind: 'form', body: '', count: 2 })
  expect(running).toHaveLength(1)
  await running[0]?.report([])
  expect(await held).toBe('held')
  expect(running).toHaveLength(1)
  trigger.release()
  expect(running[1]?.work).toMatchObject({ connectionString: 'to orders' })
  await running[1]?.report([0, 1])
  expect(invoked[1]).toMatchObject({ origin: 'form', sendId, taken: 2 })
  // What the form sent is not sent again.
  expect(running.slice(2).map(({ work }) => work.work.kind)).toEqual(['stream'])
})

test('refuses a send when a hundred wait already', () => {
  const { trigger } = make()
  void trigger.hold()
  for (let i = 0; i < 100; i++) trigger.send('events', { kind: 'form', body: '', count: 1 })
  expect(() => trigger.send('events', { kind: 'form', body: '', count: 1 })).toThrow(RangeError)
})
