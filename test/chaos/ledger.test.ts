import { describe, expect, test } from 'vitest'
import { planFaults } from './support/faults.js'
import { compareLedgers, outcome, type StoredCopy } from './support/ledger.js'
import { Random } from './support/random.js'
import { scenarios } from './support/scenarios.js'

/** A run in which all went well: twelve events in three groups, every fourth one refused. */
function goodRun() {
  const events = 12
  const outcomes = Uint8Array.from({ length: events }, (_, i) => (i % 4 === 3 ? outcome.refused : outcome.accepted))
  const groups = Uint32Array.from({ length: events }, (_, i) => 1 + (i % 3))
  const stored: StoredCopy[] = []
  for (let number = 0; number < events; number++) {
    if (outcomes[number] === outcome.accepted) stored.push({ number, partition: number % 3 })
  }
  return { outcomes, unanswered: new Uint8Array(events), groups, stored }
}

const violationsOf = ({ stored, ...ledger }: ReturnType<typeof goodRun>, mayRepeat = true) =>
  compareLedgers(ledger, stored, { mayRepeat }).violations

describe('the comparison of ledgers', () => {
  test('has nothing to say of a good run, and counts it', () => {
    const { stored, ...ledger } = goodRun()
    expect(compareLedgers(ledger, stored, { mayRepeat: false })).toEqual({
      events: 12,
      accepted: 9,
      refused: 3,
      unknown: 0,
      returned: 0,
      stored: 9,
      copies: 0,
      unknownStored: 0,
      lost: 0,
      violations: [],
      violationCount: 0,
    })
  })

  test('finds an accepted event that is not stored', () => {
    const run = goodRun()
    run.stored.splice(2, 1)
    expect(violationsOf(run)).toEqual(['Event 2 was accepted, and is not stored.'])
  })

  test.each(['refused', 'returned'] as const)('finds a %s event that is stored', (name) => {
    const run = goodRun()
    run.outcomes[3] = outcome[name]
    run.stored.push({ number: 3, partition: 0 })
    expect(violationsOf(run)).toEqual([`Event 3 was ${name}, and is stored.`])
  })

  test('lets an unknown event be stored or not', () => {
    const run = goodRun()
    run.outcomes[0] = outcome.unknown
    expect(violationsOf(run)).toEqual([])
    run.stored.shift()
    expect(violationsOf(run)).toEqual([])
  })

  test('finds an event without an outcome', () => {
    const run = goodRun()
    run.outcomes[3] = 0
    expect(violationsOf(run)).toEqual(['Event 3 has no outcome.'])
  })

  test('finds a copy of an event that was always answered, and lets one of an unanswered event be', () => {
    const run = goodRun()
    run.stored.push({ number: 4, partition: 1 })
    expect(violationsOf(run)).toEqual(['Event 4 is stored 2 times, though every attempt was answered.'])
    run.unanswered[4] = 1
    expect(violationsOf(run)).toEqual([])
  })

  test('finds any copy where retries are idempotent', () => {
    const run = goodRun()
    run.unanswered[4] = 1
    run.stored.push({ number: 4, partition: 1 })
    expect(violationsOf(run, false)).toEqual(['Event 4 is stored 2 times, in spite of idempotent retries.'])
  })

  test('finds events of one key out of order, and one in another partition', () => {
    const run = goodRun()
    const [first] = run.stored.splice(0, 1)
    if (first) run.stored.push(first)
    expect(violationsOf(run)).toEqual(['Event 0 stands after 9, which was sent after it.'])
    const moved = goodRun()
    moved.stored[1] = { number: 1, partition: 5 }
    expect(violationsOf(moved).length).toBeGreaterThan(0)
  })

  test('finds an event that nobody sent', () => {
    const run = goodRun()
    run.stored.push({ number: 12, partition: 0 })
    expect(violationsOf(run)).toEqual(['Event 12 was stored, and never sent.'])
  })
})

test('the same seed plans the same faults, another seed others; each kind comes up where it can', () => {
  for (const scenario of scenarios) {
    const plan = (seed: number) => planFaults(scenario, 10_000, 40, new Random(seed))
    expect(plan(7)).toEqual(plan(7))
    expect(plan(7)).not.toEqual(plan(8))
    const kinds = new Set(plan(7).map(({ kind }) => kind))
    expect(kinds.has('kill the hub')).toBe(!scenario.idempotent)
    expect(kinds.has('force close')).toBe(scenario.wire !== 'https')
    for (const kind of ['freeze', 'blackhole', 'reset in the middle of a transfer', 'drop acknowledgements'] as const)
      expect(kinds).toContain(kind)
  }
})
