import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EventHubError } from '../../../core/errors.js'
import type { EventInput } from '../../../core/event-data.js'
import type { Invocation } from '../../../core/invocation.js'
import { fakeClient } from '../../support/fake-client.js'
import type { FakeSend } from '../../support/fake-transport.js'
import { settlePromises } from '../../support/virtual-clock.js'

const ids = ['0', '1', '2']

type Step =
  | { kind: 'send'; owner: number; partitionId?: string; partitionKey?: string; size: number }
  | { kind: 'settle'; which: number; how: 'accept' | 'refused' | 'busy' | 'unknown' }
  | { kind: 'flush'; owner: number }
  | { kind: 'end'; owner: number }
  | { kind: 'advance'; ms: number }
  | { kind: 'ids' }
  | { kind: 'close'; flush: boolean }

const owners = 3
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record(
      {
        kind: fc.constant('send' as const),
        owner: fc.nat(owners - 1),
        partitionId: fc.constantFrom(...ids, '9'),
        partitionKey: fc.constantFrom('a', 'b', 'c', 'd'),
        size: fc.constantFrom(1, 5, 40, 300),
      },
      { requiredKeys: ['kind', 'owner', 'size'] },
    ),
  },
  {
    weight: 14,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      which: fc.nat(5),
      how: fc.constantFrom(
        'accept' as const,
        'accept' as const,
        'refused' as const,
        'busy' as const,
        'unknown' as const,
      ),
    }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('flush' as const), owner: fc.nat(owners - 1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('end' as const), owner: fc.nat(owners - 1) }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(1, 100, 1000, 5000) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'ids' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('close' as const), flush: fc.boolean() }) },
)

/** One owner's account: what it was told of each event. */
class Account {
  readonly outcomes = new Map<string, string[]>()
  readonly given: string[] = []

  note(body: string, outcome: string): void {
    const known = this.outcomes.get(body)
    if (known) known.push(outcome)
    else this.outcomes.set(body, [outcome])
  }
}

function settle(send: FakeSend, how: Extract<Step, { kind: 'settle' }>['how']): void {
  if (how === 'accept') send.accept()
  else if (how === 'refused') send.fail(new EventHubError('no', { code: 'entity-disabled', outcome: 'refused' }))
  else if (how === 'busy')
    send.fail(new EventHubError('busy', { code: 'service-error', retryable: true, outcome: 'refused' }))
  else send.fail(new EventHubError('lost', { code: 'connection-lost', retryable: true, outcome: 'unknown' }))
}

async function run(
  steps: readonly Step[],
  knowsIds: boolean,
  afterFailure: 'continue' | 'stop',
  perPartition: number,
  idempotent: boolean,
): Promise<void> {
  const buffer = new Account()
  const { client, transport, clock } = fakeClient(
    {
      ...(knowsIds ? { partitionIds: ids } : {}),
      bufferedMode: true,
      maxBufferLength: 4,
      maxBufferSizeInBytes: 400,
      maxConcurrentSends: 3,
      ...(idempotent ? { enableIdempotentRetries: true } : { maxConcurrentSendsPerPartition: perPartition }),
      retryOptions: { maxRetries: 1 },
      onSuccess: (events: EventInput[]) => {
        for (const event of events) buffer.note(event.body as string, 'accepted')
      },
      onError: (events: EventInput[], _partitionId, error) => {
        for (const event of events) buffer.note(event.body as string, error.outcome)
      },
    },
    { partitionIds: ids, maxBatchSizeInBytes: 200 },
  )
  let openIds = () => {}
  transport.propertiesGate = new Promise((resolve) => {
    openIds = resolve
  })
  // Owner 0 is the buffered client; the others are invocations.
  const invocations: Invocation[] = [1, 2].map(() => client.beginInvocation({ timeoutInMs: 20_000, afterFailure }))
  const accounts = [buffer, new Account(), new Account()]
  const accepted = [0, 0, 0]
  const collect = (owner: number, report: Awaited<ReturnType<Invocation['flush']>>) => {
    accepted[owner] = (accepted[owner] ?? 0) + report.accepted
    for (const failure of report.failures) accounts[owner]?.note(failure.event.body as string, failure.outcome)
  }
  const reports: Promise<unknown>[] = []
  /** What the caller asked to be kept in order: by owner and partition or key. */
  const orderOf = new Map<string, string>()
  const acceptedInOrder: string[] = []
  let count = 0
  let isClosed = false

  for (const each of steps) {
    if (each.kind === 'send') {
      const { owner, partitionId, partitionKey, size } = each
      const body = `${owner}:${count++}:`.padEnd(size, 'x')
      const account = accounts[owner]
      const options = { ...(partitionId && { partitionId }), ...(partitionKey && { partitionKey }) }
      const invocation = invocations[owner - 1]
      const sent = invocation ? invocation.sendEvent({ body }, options) : client.sendEvent({ body }, options)
      account?.given.push(body)
      if (partitionId ?? partitionKey) orderOf.set(body, `${owner} ${partitionId ?? `key ${partitionKey}`}`)
      reports.push(
        sent.catch((error: EventHubError) => {
          // An ended invocation took nothing; everything else an invocation rejects stands in its report.
          if (!invocation || error.code === 'invocation-ended') account?.note(body, 'rejected')
        }),
      )
    } else if (each.kind === 'settle') {
      const send = transport.openSends[each.which]
      if (send && each.how === 'accept') acceptedInOrder.push(...send.bodies)
      if (send) settle(send, each.how)
    } else if (each.kind === 'flush' || each.kind === 'end') {
      const invocation = invocations[each.owner - 1]
      if (!invocation) {
        if (each.kind === 'flush' && !isClosed) reports.push(client.flush({ timeoutInMs: 2000 }).catch(() => {}))
      } else {
        const { owner } = each
        reports.push(
          (each.kind === 'flush' ? invocation.flush() : invocation.end()).then((report) => collect(owner, report)),
        )
      }
    } else if (each.kind === 'advance') await clock.advance(each.ms)
    else if (each.kind === 'ids') openIds()
    else if (each.kind === 'close') {
      isClosed = true
      reports.push(client.close({ flush: each.flush, timeoutInMs: 3000 }).catch(() => {}))
    }
    await settlePromises()
    // Bounds hold at every step.
    expect(transport.openSends.length).toBeLessThanOrEqual(3)
    if (idempotent) {
      const targets = transport.openSends.map((send) => send.partitionId)
      expect(targets).not.toContain(undefined)
      expect(new Set(targets).size).toBe(targets.length)
    }
    for (const id of ids) expect(client.getBufferedEventCount(id)).toBeLessThanOrEqual(4)
    // What waits for room is not in the buffer; what is there is in some partition once these are known.
    const inPartitions = ids.reduce((sum, id) => sum + (client.getBufferedEventCount(id) ?? 0), 0)
    if (knowsIds) expect(client.totalBufferedEventCount).toBe(inPartitions)
    else expect(client.totalBufferedEventCount).toBeGreaterThanOrEqual(inPartitions)
  }

  openIds()
  for (const [i, invocation] of invocations.entries()) {
    reports.push(invocation.end().then((report) => collect(i + 1, report)))
  }
  reports.push(client.close({ flush: true, timeoutInMs: 3000 }).catch(() => {}))
  await clock.advance(120_000)
  await Promise.all(reports)

  // Promise 3: nothing runs on.
  expect(clock.pendingTimers).toBe(0)
  expect(transport.openSends).toHaveLength(0)
  expect(client.totalBufferedEventCount).toBe(0)

  // Promise 2: accepted + refused + unknown + returned = taken, for every owner, each event once.
  for (const [owner, account] of accounts.entries()) {
    for (const [body, outcomes] of account.outcomes) expect([body, outcomes]).toEqual([body, [outcomes[0]]])
    const failed = [...account.outcomes.values()].filter(([outcome]) => outcome !== 'accepted').length
    const succeeded = owner === 0 ? account.outcomes.size - failed : (accepted[owner] ?? 0)
    expect(succeeded + failed).toBe(account.given.length)
  }

  // Order: within what the caller asked for, events are accepted in call order.
  if (perPartition === 1 || idempotent) {
    const last = new Map<string, number>()
    for (const body of acceptedInOrder) {
      const order = orderOf.get(body)
      if (order === undefined) continue
      const position = Number(body.split(':')[1])
      expect(position).toBeGreaterThan(last.get(order) ?? -1)
      last.set(order, position)
    }
  }

  // One owner per batch, one attempt's order never that of another owner.
  for (const send of transport.sends) {
    expect(new Set(send.bodies.map((body) => body.split(':')[0])).size).toBe(1)
  }
}

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)

test(`every event is accounted for exactly once, whatever happens in whatever order (SEED=${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 100, size: 'max' }),
      fc.boolean(),
      fc.constantFrom('continue' as const, 'stop' as const),
      fc.constantFrom(1, 3),
      fc.boolean(),
      run,
    ),
    {
      numRuns: Number(process.env.RUNS ?? 500),
      seed,
      timeout: 2000,
      ...(process.env.QUICK ? { endOnFailure: true } : {}),
    },
  )
}, 180_000)
