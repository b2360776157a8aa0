/** How much is done: `full` for figures, `quick` for a look, `tiny` to see that the programs run. */
export type Scale = 'full' | 'quick' | 'tiny'

export function currentScale(): Scale {
  const scale = process.env.BENCH_SCALE ?? 'full'
  if (scale === 'full' || scale === 'quick' || scale === 'tiny') return scale
  throw new Error(`BENCH_SCALE must be full, quick or tiny; it is '${scale}'.`)
}

/** The value for the current scale. */
export function byScale<T>(values: Readonly<Record<Scale, T>>): T {
  return values[currentScale()]
}
