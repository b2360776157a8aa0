import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findMutation } from './find.mjs'
import { mutations } from './mutations/mutations.mjs'

// Breaks each promise on purpose and shows with which seed the simulation finds it.
const root = fileURLToPath(new URL('../..', import.meta.url))
const mostSeeds = Number(process.argv[2] ?? 1000)
const folder = mkdtempSync(join(tmpdir(), 'sluice-mutations-'))
try {
  for (const mutation of mutations) {
    const startedAt = performance.now()
    const found = await findMutation(root, folder, mutation, { mostSeeds })
    const took = `${((performance.now() - startedAt) / 1000).toFixed(1)} s`
    if (found)
      console.log(`found after ${found.runs} runs, ${took}: ${mutation.name}\n  seed ${found.seed}: ${found.violation}`)
    else {
      console.log(`NOT FOUND in ${mostSeeds} runs, ${took}: ${mutation.name}`)
      process.exitCode = 1
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
