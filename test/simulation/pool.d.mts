import type { RunResult } from './run.js'

export function runSeeds(
  bundle: string,
  options: {
    readonly from: number
    readonly count: number
    readonly workers?: number
    readonly portion?: number
    readonly trace?: boolean
    /** Hears of each run; when it returns false, no more are begun. */
    readonly onResult: (result: RunResult & { readonly lines: readonly string[] }) => boolean
  },
): Promise<void>
