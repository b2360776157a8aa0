/** Repeated measurements of one thing. */
export interface Summary {
  readonly median: number
  readonly min: number
  readonly max: number
  /** In the order in which they were taken. */
  readonly values: readonly number[]
}

export function summarize(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b)
  const last = sorted.at(-1)
  const [first] = sorted
  if (first === undefined || last === undefined || sorted.some((value) => !Number.isFinite(value))) {
    throw new Error('A summary needs at least one measurement, and numbers.')
  }
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? last
  const lower = sorted[sorted.length % 2 === 0 ? middle - 1 : middle] ?? first
  return { median: (lower + upper) / 2, min: first, max: last, values: [...values] }
}

/** Each measurement divided by the one taken beside it, so that what disturbs both cancels out. */
export function ratios(these: readonly number[], those: readonly number[]): Summary {
  if (these.length !== those.length) throw new Error('Ratios need pairs.')
  return summarize(these.map((value, i) => value / (those[i] ?? Number.NaN)))
}

/**
 * Runs every task `repetitions` times, side by side: in turn, and every other time in the opposite order, so that
 * none of them always comes first.
 */
export async function interleave(
  repetitions: number,
  tasks: readonly ((repetition: number) => Promise<void>)[],
): Promise<void> {
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const inOrder = repetition % 2 === 0 ? tasks : [...tasks].reverse()
    for (const task of inOrder) await task(repetition)
  }
}
