import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ForwardHandler, forwardToEventHub, type PermanentFailure } from '../../../adapters/aws-lambda/index.js'
import { seed } from '../../support/seed.js'
import {
  busy,
  contextWith,
  fakeClient,
  noRights,
  recordingLogger,
  returned,
  tooLarge,
  unknown,
  type Verdict,
} from './fake-client.js'
import { type Outcome, type SimulatedRecord, type SimulatedSource, simulatedSources } from './simulated-sources.js'

interface Scripted {
  readonly group: string
  /** What Event Hubs says to it, attempt by attempt; to further ones the last again. */
  readonly verdicts: readonly Verdict[]
}

const passing = fc.constantFrom<Verdict>(unknown, returned, busy, noRights)
/** Refused for a while, then accepted; or never. */
const verdicts = fc
  .tuple(fc.array(passing, { maxLength: 2 }), fc.constantFrom<Verdict>('accepted', 'accepted', 'accepted', tooLarge))
  .map(([first, last]) => [...first, last])
const scripted = (most: number) =>
  fc.array(fc.record({ group: fc.constantFrom('a', 'b', 'c'), verdicts }), { minLength: 1, maxLength: most })

/** The event hub, and what became of each record in it. */
function scriptedHub(records: readonly Scripted[]) {
  const attempts = records.map(() => 0)
  /** Ids as they were accepted, copies included. */
  const accepted: number[] = []
  /** The verdicts of the latest delivery, by position in it. */
  let latest: Verdict[] = []
  const deliveries: { of: readonly SimulatedRecord[] } = { of: [] }
  const fake = fakeClient((index) => {
    const { id } = deliveries.of[index]!
    const { verdicts } = records[id]!
    const verdict = verdicts[Math.min(attempts[id]!, verdicts.length - 1)]!
    attempts[id]!++
    latest[index] = verdict
    return verdict
  })
  return {
    client: fake.client,
    accepted,
    deliver(of: readonly SimulatedRecord[]) {
      deliveries.of = of
      latest = []
      const before = fake.invocations.length
      return () => {
        const invocation = fake.invocations[before]
        const stopped = new Set<string>()
        return of.map((record, index): Verdict => {
          const verdict = latest[index]!
          const isHeldBack = invocation?.options.afterFailure === 'stop' && stopped.has(record.group)
          if (verdict === 'accepted' && !isHeldBack) accepted.push(record.id)
          else stopped.add(record.group)
          return isHeldBack ? returned : verdict
        })
      }
    },
  }
}

const settledBy = (verdict: Verdict, takesPermanent: boolean) =>
  verdict === 'accepted' || (verdict === tooLarge && takesPermanent)

function expectedAgain(
  source: SimulatedSource,
  name: string,
  delivered: readonly SimulatedRecord[],
  isSettled: boolean[],
): number[] {
  const positions = delivered.map((_, index) => index)
  const first = isSettled.indexOf(false)
  if (name === 'Kinesis' || name === 'DynamoDB') return first < 0 ? [] : positions.slice(first)
  if (name === 'SQS FIFO') {
    return positions.filter((index) =>
      positions.some((i) => i <= index && !isSettled[i] && delivered[i]!.group === delivered[index]!.group),
    )
  }
  if (name === 'SQS standard' || name === 'HTTP') return positions.filter((index) => !isSettled[index])
  return source && first < 0 ? [] : positions
}

const oneByOne = new Set(['SQS standard', 'Kinesis', 'DynamoDB', 'HTTP'])

/** How often a queue, a topic or a bus delivers what fails, before it puts it aside. */
const patience = 8

describe.each(Object.entries(simulatedSources))('%s', (name, makeSource) => {
  const source = makeSource()

  test.each([
    ['with a dead-letter sink', true],
    ['without one', false],
  ])(
    `%s: no unsettled record is ever acknowledged, no settled prefix is asked for again, and it ends (SEED=${seed})`,
    async (_, withSink) => {
      await fc.assert(
        fc.asyncProperty(scripted(source.most), async (records) => {
          const hub = scriptedHub(records)
          const taken: PermanentFailure[] = []
          const logger = recordingLogger()
          const handler = forwardToEventHub({
            client: hub.client,
            logger,
            auth: 'aws',
            ...(withSink ? { onPermanentFailure: (failures) => void taken.push(...failures) } : {}),
          })
          const takesPermanent =
            source.permanentFailures === 'stream' || (withSink && source.permanentFailures === 'source')

          let waiting: SimulatedRecord[] = records.map(({ group }, id) => ({ id, group }))
          const failedTimes = new Map<number, number>()
          const putAside: number[] = []
          let rounds = 0
          while (waiting.length > 0) {
            // "never retried for ever": every record fails twice at most before its last verdict, and others behind it wait.
            expect(rounds++).toBeLessThan(patience * records.length + 3)
            const outcome = await deliver(handler, source.event(waiting), () => hub.deliver(waiting))
            const asked = source.again(outcome.outcome, waiting.length)
            const isSettled = outcome.verdicts.map((verdict) => settledBy(verdict, takesPermanent))
            expect(asked.toSorted((a, b) => a - b)).toEqual(expectedAgain(source, name, waiting, isSettled))

            const again = new Set(asked)
            const next = waiting.filter((_, index) => again.has(index))
            if (takesPermanent && source.permanentFailures === 'stream') {
              waiting = next
              continue
            }
            // What fails too often is put aside: by the queue, by Lambda, by the caller.
            waiting = next.filter(({ id }) => {
              const times = (failedTimes.get(id) ?? 0) + 1
              failedTimes.set(id, times)
              if (times < patience) return true
              putAside.push(id)
              return false
            })
          }

          // In the end each is in the event hub, or has been reported apart.
          const inHub = new Set(hub.accepted)
          const permanent = records.flatMap(({ verdicts }, id) => (verdicts.at(-1) === tooLarge ? [id] : []))
          for (const [id] of records.entries()) {
            if (permanent.includes(id)) expect(inHub.has(id)).toBe(false)
            // Where records are asked for one by one, one that can never be sent holds up no other for ever.
            else if (oneByOne.has(name)) expect(inHub.has(id)).toBe(true)
            else expect(inHub.has(id) || putAside.includes(id)).toBe(true)
          }
          const reported = logger.lines.filter((line) => line.includes('can never take')).length
          expect(reported).toBeGreaterThanOrEqual(permanent.filter((id) => !putAside.includes(id)).length)
          if (withSink && source.permanentFailures !== 'caller') {
            expect(taken.length).toBeGreaterThanOrEqual(permanent.filter((id) => !putAside.includes(id)).length)
          } else expect(taken).toEqual([])
          // Streams and message groups bring it again behind others; the sink gets it when it is acknowledged, so once.
          if (oneByOne.has(name) || name === 'SQS FIFO') {
            expect(new Set(taken.map(({ record }) => record.id)).size).toBe(taken.length)
          }

          // Order: the first copies of a group's records are accepted as the source has them.
          if (source.ordered) {
            for (const group of ['a', 'b', 'c']) {
              const ids = [...inHub].filter((id) => records[id]!.group === group)
              expect(ids).toEqual(ids.toSorted((a, b) => a - b))
            }
          }
        }),
        { seed, numRuns: Number(process.env.RUNS ?? 150) },
      )
    },
    60_000,
  )
})

async function deliver(handler: ForwardHandler, event: unknown, begin: () => () => Verdict[]) {
  const verdictsOf = begin()
  const outcome: Outcome = await handler(event, contextWith()).then(
    (answer) => ({ answer }),
    (error: unknown) => ({ error }),
  )
  return { outcome, verdicts: verdictsOf() }
}
