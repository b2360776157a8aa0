import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AppSettings, appSetting } from './app-settings.js'

/** Azure's load balancer answers an HTTP caller after this long, whatever the function does. */
const longestHttpTimeInMs = 230_000

const timeoutSetting = /^AzureFunctionsJobHost__functionTimeout$/i

const secondsPerDay = 86_400
const defaultOnConsumptionInMs = 300_000
const defaultElsewhereInMs = 1_800_000

/**
 * The time that an invocation's events may take, in milliseconds: what the output asks for, and never more than the
 * host's `functionTimeout`, nor, for an HTTP trigger, than the 230 s after which the caller has been answered anyway.
 */
export function invocationTimeoutInMs(askedInMs: number, triggerType: string, functionTimeoutInMs: number): number {
  const httpLimit = triggerType.toLowerCase() === 'httptrigger' ? longestHttpTimeInMs : Number.POSITIVE_INFINITY
  return Math.min(askedInMs, functionTimeoutInMs, httpLimit)
}

let ofThisApp: number | undefined

/**
 * The host's `functionTimeout` for this app, in milliseconds; infinite where it says so. Read once: the host starts a
 * worker in the app's directory (or moves it there before it loads the app), and starts it anew when host.json changes.
 */
export function functionTimeoutOfThisApp(): number {
  ofThisApp ??= functionTimeoutInMs(readHostJson(process.cwd()), process.env)
  return ofThisApp
}

/**
 * `functionTimeout` as the host reads it: the app setting `AzureFunctionsJobHost__functionTimeout`, then host.json, then
 * the plan's default (5 minutes on Consumption, otherwise 30). What cannot be read counts as the shorter default.
 */
export function functionTimeoutInMs(hostJson: string | undefined, settings: AppSettings): number {
  const isConsumption = settings.WEBSITE_SKU?.toLowerCase() === 'dynamic'
  const planDefault = isConsumption ? defaultOnConsumptionInMs : defaultElsewhereInMs
  // The host's configuration does not distinguish case, whatever the system does.
  const settingName = Object.keys(settings).find((name) => timeoutSetting.test(name))
  const setting = settingName === undefined ? undefined : appSetting(settings, settingName)
  if (setting !== undefined) return timeSpanInMs(setting) ?? defaultOnConsumptionInMs
  if (hostJson === undefined) return planDefault
  let configured: unknown
  try {
    const fields = Object.entries((JSON.parse(hostJson) as object | null) ?? {})
    configured = fields.find(([name]) => name.toLowerCase() === 'functiontimeout')?.[1]
  } catch {
    // The host takes comments and a byte order mark, which JSON.parse does not.
    configured = /"functionTimeout"\s*:\s*"([^"]*)"/i.exec(hostJson)?.[1] ?? ''
  }
  if (configured === undefined || configured === null) return planDefault
  return timeSpanInMs(String(configured)) ?? defaultOnConsumptionInMs
}

/** .NET's TimeSpan: `[days.]hours:minutes[:seconds[.fraction]]`, or days alone; -1 has no end. Undefined: none of these. */
function timeSpanInMs(text: string): number | undefined {
  const value = text.trim()
  if (/^-1(\.0?0:00(:00)?)?$/.test(value)) return Number.POSITIVE_INFINITY
  if (/^\d+$/.test(value)) return positive(Number(value) * secondsPerDay * 1000)
  const parts = /^(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2}(?:\.\d+)?))?$/.exec(value)
  if (!parts) return undefined
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = parts.slice(1).map((part) => Number(part ?? 0))
  return positive((days * secondsPerDay + hours * 3600 + minutes * 60 + seconds) * 1000)
}

/** The host starts with no timeout of nothing; so neither do we. */
function positive(timeInMs: number): number | undefined {
  return timeInMs > 0 ? timeInMs : undefined
}

function readHostJson(appDirectory: string): string | undefined {
  try {
    return readFileSync(join(appDirectory, 'host.json'), 'utf8')
  } catch {
    return undefined
  }
}
