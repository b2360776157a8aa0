import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runScenario, type ScenarioResult } from '../support/run-scenario.js'
import { type Scenario, scenarios } from '../support/scenarios.js'

interface Settings {
  readonly events: number
  readonly seed: number
  readonly faults: number
  readonly parallel: number
  readonly only: string | undefined
  /** Where the scenarios put their ledgers. */
  readonly folder: string
  /** Where the results go, as JSON; undefined: nowhere. */
  readonly out: string | undefined
}

const settings: Settings = JSON.parse(process.env.CHAOS_SETTINGS ?? '{}')
const chosen = scenarios.filter(({ name }) => settings.only === undefined || name === settings.only)
const shares = chosen.reduce((sum, { share }) => sum + share, 0)
const waiting = chosen.map((scenario, i) => ({ scenario, place: scenarios.indexOf(scenario), folder: `scenario-${i}` }))
const results: ScenarioResult[] = []
const failures: string[] = []

async function work(): Promise<void> {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { scenario, place, folder: name } = next
    const folder = join(settings.folder, name)
    mkdirSync(folder, { recursive: true })
    const events = Math.max(1, Math.round((settings.events * scenario.share) / shares))
    // Of its own, so that one scenario by itself is the same as among the others.
    const seed = (settings.seed + place * 7919) >>> 0
    try {
      const result = await runScenario(scenario, { events, faults: settings.faults, seed, folder })
      results.push(result)
      report(scenario, result)
    } catch (error) {
      const text = `${scenario.name}: ${error instanceof Error ? error.message : String(error)}`
      failures.push(text)
      console.log(`FAILED ${text}`)
    }
  }
}

function report(scenario: Scenario, { comparison: c, faults, tookInMs, peakRssInBytes, problems }: ScenarioResult) {
  const made = Object.values(faults).reduce((sum, times) => sum + times, 0)
  console.log(
    `${problems.length === 0 ? 'ok    ' : 'FAILED'} ${scenario.name}: ${c.events} events, ${made} faults, ${(tookInMs / 1000).toFixed(1)} s, ` +
      `${Math.round(peakRssInBytes / 1024 / 1024)} MiB: ${c.accepted} accepted, ${c.refused} refused, ${c.unknown} unknown ` +
      `(${c.unknownStored} stored), ${c.returned} returned; ${c.stored} stored, ${c.copies} copies, ${c.lost} lost`,
  )
  for (const problem of problems) console.log(`         ${problem}`)
}

async function main(): Promise<void> {
  console.log(
    `Seed ${settings.seed}, ${settings.events} events. Again: npm run chaos -- --events ${settings.events} --seed ${settings.seed}`,
  )
  await Promise.all(Array.from({ length: settings.parallel }, work))
  const bad = results.filter(({ problems }) => problems.length > 0).length + failures.length
  const sum = (of: (result: ScenarioResult) => number) => results.reduce((total, result) => total + of(result), 0)
  console.log(
    `${sum(({ comparison }) => comparison.events)} events, ${sum(({ faults }) => Object.values(faults).reduce((a, b) => a + b, 0))} faults: ` +
      `${sum(({ comparison }) => comparison.accepted)} accepted, ${sum(({ comparison }) => comparison.lost)} of them lost, ` +
      `${sum(({ comparison }) => comparison.violationCount)} contradictions; ${bad} of ${chosen.length} scenarios failed.`,
  )
  if (settings.out !== undefined)
    writeFileSync(settings.out, JSON.stringify({ ...settings, results, failures }, null, 2))
  process.exit(bad === 0 && chosen.length > 0 ? 0 : 1)
}

void main()
