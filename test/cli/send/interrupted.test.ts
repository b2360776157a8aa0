import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Random } from '../../fuzz/support/random.js'
import { seed } from '../../support/seed.js'
import { bundleCli } from '../bundle.js'
import { interruptedSend } from '../programs/interrupted-send.js'

let bundle: Awaited<ReturnType<typeof bundleCli>>
let folder: string
beforeAll(async () => {
  bundle = await bundleCli()
  folder = await mkdtemp(join(tmpdir(), 'sluice-interrupted-'))
})
afterAll(async () => {
  await bundle.remove()
  await rm(folder, { recursive: true, force: true })
})

test(`killed again and again, it sends every line, in order by key, and twice only what was in flight (seed ${seed})`, async () => {
  const random = new Random(seed)
  const partitionCount = 4
  const lines: string[] = []
  const result = await interruptedSend({
    program: bundle.program,
    folder,
    records: 50_000,
    kills: 6,
    partitionCount,
    random: () => random.below(2 ** 30) / 2 ** 30,
    log: (line) => lines.push(line),
  })
  const { durationInMs: _, rssInMiB: __, ...told } = result
  console.log(`${lines.join('\n')}\n${JSON.stringify(told)}`)
  expect(result).toMatchObject({
    missing: 0,
    keysOutOfOrder: 0,
    missingDeadLetters: 0,
    wrongDeadLetters: 0,
    miscounted: 0,
  })
  // What was refused in the last run is known to its exit code.
  expect([0, 3]).toContain(result.exitCode)
  expect(result.duplicates).toBeLessThanOrEqual(result.unconfirmed)
  expect(result.mostUnconfirmed).toBeLessThanOrEqual(partitionCount * result.largestBatch)
})
