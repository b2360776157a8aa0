import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundleSimulation } from './bundle.mjs'
import { findMutation } from './find.mjs'
import { mutations } from './mutations/mutations.mjs'
import { runSeeds } from './pool.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
let folder: string
let bundle: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-simulation-'))
  bundle = join(folder, 'simulation.cjs')
  await bundleSimulation(root, bundle)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What became of each seed, in order. */
async function runs(from: number, count: number, trace = false): Promise<string[]> {
  const results = new Map<number, string>()
  const onResult = ({ seed, hash, violation, lines }: Parameters<Parameters<typeof runSeeds>[1]['onResult']>[0]) => {
    results.set(seed, `seed ${seed}: ${violation ?? 'kept'}, trace ${hash}${trace ? `\n${lines.length > 0}` : ''}`)
    return true
  }
  await runSeeds(bundle, { from, count, trace, portion: 5, onResult })
  return [...results].sort(([a], [b]) => a - b).map(([, result]) => result)
}

test('every promise is kept with the first 200 seeds (a build runs more: npm run simulate)', async () => {
  const results = await runs(1, 200)
  expect(results).toHaveLength(200)
  expect(results.filter((result) => !result.includes(': kept, '))).toEqual([])
}, 120_000)

test('the same seed does the same again, to the last byte, also when somebody reads along', async () => {
  const first = await runs(1001, 30)
  expect(await runs(1001, 30)).toEqual(first)
  // Traced, in other portions, and after other seeds.
  const traced = await runs(998, 33, true)
  expect(traced.slice(3)).toEqual(first.map((result) => `${result}\ntrue`))
  expect(new Set(first.map((result) => result.split('trace ')[1])).size).toBe(30)
}, 120_000)

test.each(mutations.map((mutation) => [mutation.name, mutation] as const))(
  'it finds out when %s',
  async (_name, mutation) => {
    const found = await findMutation(root, folder, mutation, { mostSeeds: 400 })
    expect(found?.violation).toMatch(mutation.says)
  },
  120_000,
)
