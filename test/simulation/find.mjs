import { join } from 'node:path'
import { bundleSimulation } from './bundle.mjs'
import { runSeeds } from './pool.mjs'

/** A seed that shows what this mutation breaks, and what it says; undefined when `mostSeeds` of them show nothing. */
export async function findMutation(root, folder, mutation, { mostSeeds, workers }) {
  const bundle = join(folder, `${mutation.name.replaceAll(' ', '-')}.cjs`)
  await bundleSimulation(root, bundle, mutation)
  let found
  let runs = 0
  const onResult = ({ seed, violation }) => {
    runs++
    if (violation !== undefined && mutation.says.test(violation)) found ??= { seed, violation, runs }
    return found === undefined
  }
  const { startAt = 1 } = mutation
  await runSeeds(bundle, { from: startAt, count: mostSeeds, workers, portion: 10, onResult })
  return found
}
