import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Report } from './support/report.js'

const run = promisify(execFile)
const here = fileURLToPath(new URL('.', import.meta.url))

describe('the benchmarks, at a scale at which no figure means anything', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-bench-test-'))
    // Rejects, with what it printed, unless every program found at the hub what it had timed.
    const options = ['--tiny', '--readable', '--out', folder, '--docs', folder]
    await run(process.execPath, [join(here, 'run.mjs'), ...options], { maxBuffer: 16 * 1024 * 1024 })
  }, 120_000)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('each write figures, and say by them whether their bars are met', async () => {
    const programs = (await readdir(join(here, 'programs'))).filter((file) => file !== 'render.ts')
    expect(programs.length).toBeGreaterThan(8)
    for (const program of programs) {
      const { rows }: Report = JSON.parse(await readFile(join(folder, program.replace('.ts', '.json')), 'utf8'))
      const figures = rows.flatMap((row) => Object.values(row.figures)).filter((figure) => typeof figure === 'object')
      expect(figures.length, program).toBeGreaterThan(0)
      for (const { min, median, max } of figures) {
        expect(min).toBeGreaterThanOrEqual(0)
        expect(median).toBeGreaterThanOrEqual(min)
        expect(max).toBeGreaterThanOrEqual(median)
      }
      const bars = rows.flatMap((row) => row.bars)
      expect(bars.length, program).toBeGreaterThan(0)
      for (const { value, limit, kind, met } of bars)
        expect(met).toBe(kind === 'at most' ? value <= limit : value >= limit)
    }
  })

  test('are rendered as a page with two pictures, every row in its table', async () => {
    const page = await readFile(join(folder, 'benchmarks.md'), 'utf8')
    for (const file of (await readdir(folder)).filter((name) => name.endsWith('.json'))) {
      const { title, rows }: Report = JSON.parse(await readFile(join(folder, file), 'utf8'))
      expect(page).toContain(`## ${title}\n`)
      for (const { what } of rows) expect(page).toContain(`| ${what} |`)
    }
    for (const picture of ['benchmarks-cpu.svg', 'benchmarks-waiting.svg']) {
      expect(page).toContain(`](${picture})`)
      const svg = await readFile(join(folder, picture), 'utf8')
      expect(svg.startsWith('<svg ') && svg.endsWith('</svg>\n')).toBe(true)
      expect(svg).toContain('prefers-color-scheme: dark')
      expect(svg).not.toMatch(/NaN|undefined|Infinity/)
    }
  })
})
