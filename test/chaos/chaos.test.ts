import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seed } from '../support/seed.js'
import type { ScenarioResult } from './support/run-scenario.js'
import { scenarios } from './support/scenarios.js'

const events = Number(process.env.CHAOS_EVENTS ?? 100_000)

describe(`${events} events among faults, seed ${seed}`, () => {
  let folder: string
  let results: readonly ScenarioResult[]
  let failures: readonly string[]

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-chaos-test-'))
    const out = join(folder, 'results.json')
    const program = fileURLToPath(new URL('run.mjs', import.meta.url))
    const options = ['--events', events, '--seed', seed, '--faults', 10, '--parallel', 6, '--out', out].map(String)
    // Its code says only whether everything held; the results say what did not.
    await new Promise((resolve) =>
      spawn(process.execPath, [program, ...options], { stdio: 'inherit' }).on('exit', resolve),
    )
    const file: { results: ScenarioResult[]; failures: string[] } = JSON.parse(await readFile(out, 'utf8'))
    results = file.results
    failures = file.failures
  }, 600_000)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test.each(scenarios.map(({ name }) => name))(
    '%s: nothing lost, nothing twice that may not be, all in order',
    (name) => {
      expect(failures.filter((failure) => failure.startsWith(`${name}:`))).toEqual([])
      const result = results.find(({ scenario }) => scenario === name)
      expect(result?.problems).toEqual([])
      expect(result?.comparison).toMatchObject({ lost: 0, violationCount: 0 })
      // What was tried must have been worth it.
      expect(result?.comparison.accepted).toBeGreaterThan(0)
      expect(Object.keys(result?.faults ?? {}).length).toBeGreaterThan(0)
    },
  )
})
