import type { Mutation } from './mutations/mutations.mjs'

export function findMutation(
  root: string,
  folder: string,
  mutation: Mutation,
  options: { readonly mostSeeds: number; readonly workers?: number },
): Promise<{ readonly seed: number; readonly violation: string; readonly runs: number } | undefined>
