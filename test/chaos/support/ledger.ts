/** What the producer was told of an event. 0: nothing yet. */
export const outcome = { accepted: 1, refused: 2, unknown: 3, returned: 4 } as const

/** What the producer knows, event by event. */
export interface ProducerLedger {
  /** One of `outcome`, by the event's number. */
  readonly outcomes: Uint8Array
  /** 1 where an attempt to send the event ended without an answer: the only events that may be stored twice. */
  readonly unanswered: Uint8Array
  /** Events of the same group were sent by one owner, with one key, in ascending order. 0: in no order. */
  readonly groups: Uint32Array
}

/** One copy of an event, in the order in which the hub stored them. */
export interface StoredCopy {
  readonly number: number
  readonly partition: number
}

export interface Comparison {
  readonly events: number
  readonly accepted: number
  readonly refused: number
  readonly unknown: number
  readonly returned: number
  /** Different events that the hub has stored. */
  readonly stored: number
  /** Copies beyond the first. */
  readonly copies: number
  /** Of those whose outcome is unknown, how many were stored. */
  readonly unknownStored: number
  /** Accepted, and not stored: lost. */
  readonly lost: number
  /** Everything that contradicts a promise; the first few of each kind in words. */
  readonly violations: readonly string[]
  readonly violationCount: number
}

const namesOf = new Map<number, keyof typeof outcome>(
  Object.entries(outcome).map(([name, code]) => [code, name as keyof typeof outcome]),
)

/** Compares both ledgers, event by event. */
export function compareLedgers(
  { outcomes, unanswered, groups }: ProducerLedger,
  stored: Iterable<StoredCopy>,
  { mayRepeat }: { readonly mayRepeat: boolean },
): Comparison {
  const events = outcomes.length
  const complaints = new Complaints()
  const copiesOf = new Uint32Array(events)
  const partitionOf = new Map<number, number>()
  const lastOf = new Map<number, number>()
  let copies = 0
  for (const { number, partition } of stored) {
    if (!(number >= 0 && number < events)) {
      complaints.add('was stored, and never sent', number)
      continue
    }
    copiesOf[number] = (copiesOf[number] ?? 0) + 1
    const group = groups[number] ?? 0
    if (group !== 0) {
      const home = partitionOf.get(group)
      if (home === undefined) partitionOf.set(group, partition)
      else if (home !== partition) complaints.add(`is in partition ${partition}, its key's others in ${home}`, number)
    }
    if (copiesOf[number] !== 1) {
      copies++
      continue
    }
    // Of what was not accepted a copy may be on its way for longer than anyone waits.
    if (group === 0 || outcomes[number] !== outcome.accepted) continue
    const last = lastOf.get(group) ?? -1
    if (number < last) complaints.add(`stands after ${last}, which was sent after it`, number)
    lastOf.set(group, Math.max(last, number))
  }
  const totals = { accepted: 0, refused: 0, unknown: 0, returned: 0 }
  let distinct = 0
  let unknownStored = 0
  let lost = 0
  for (let number = 0; number < events; number++) {
    const times = copiesOf[number] ?? 0
    const name = namesOf.get(outcomes[number] ?? 0)
    if (times > 0) distinct++
    if (name === undefined) {
      complaints.add('has no outcome', number)
      continue
    }
    totals[name]++
    if (name === 'accepted' && times === 0) {
      lost++
      complaints.add('was accepted, and is not stored', number)
    }
    if ((name === 'refused' || name === 'returned') && times > 0) complaints.add(`was ${name}, and is stored`, number)
    if (name === 'unknown' && times > 0) unknownStored++
    if (times > 1 && !mayRepeat) complaints.add(`is stored ${times} times, in spite of idempotent retries`, number)
    if (times > 1 && mayRepeat && unanswered[number] !== 1) {
      complaints.add(`is stored ${times} times, though every attempt was answered`, number)
    }
  }
  const { count: violationCount, texts: violations } = complaints
  return { events, ...totals, stored: distinct, copies, unknownStored, lost, violations, violationCount }
}

const shownComplaints = 20

class Complaints {
  count = 0
  readonly texts: string[] = []

  add(what: string, number: number): void {
    this.count++
    if (this.texts.length < shownComplaints) this.texts.push(`Event ${number} ${what}.`)
  }
}
