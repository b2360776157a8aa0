import type { Mutation } from './mutations/mutations.mjs'

export function bundleSimulation(root: string, outfile: string, mutation?: Mutation): Promise<void>
