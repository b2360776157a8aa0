import { printable } from '../printable.js'

/** Longest quotation of what a peer says, in characters. */
const longestQuotation = 300

/** What a peer says, fit to be shown: one line, no full stop at its end, not endless. */
export function quoted(said: string): string {
  const line = printable(said.trim()).replace(/\.$/, '')
  return line.length > longestQuotation ? `${line.slice(0, longestQuotation)}…` : line
}

/** The first line of an error's message. */
export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return quoted(message.trim().split('\n', 1)[0] ?? '')
}

/** The code of a socket's error, such as ECONNREFUSED; empty without one. */
export function codeOf(error: unknown): string {
  const { code, condition } = (error ?? {}) as { code?: unknown; condition?: unknown }
  if (typeof condition === 'string') return condition
  return typeof code === 'string' ? code : ''
}

const units: readonly (readonly [inMs: number, name: string])[] = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1000, 'second'],
]

/** Such as `2 hours 5 minutes`: the two largest units, without a sign. */
export function spanOf(milliseconds: number): string {
  let rest = Math.abs(milliseconds)
  if (rest < 1000) return `${Math.round(rest)} ms`
  const parts: string[] = []
  for (const [inMs, name] of units) {
    const count = Math.floor(rest / inMs)
    if (count > 0) parts.push(`${count} ${name}${count === 1 ? '' : 's'}`)
    else if (parts.length > 0) break
    rest -= count * inMs
    if (parts.length === 2) break
  }
  return parts.join(' ')
}

/** Such as `2026-05-04 03:02:01 UTC`. */
export function timeOf(milliseconds: number): string {
  const date = new Date(milliseconds)
  if (Number.isNaN(date.getTime())) return 'an impossible time'
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** Such as `1 MiB`. */
export function sizeOf(bytes: number): string {
  if (bytes >= 1024 * 1024) return `${trimmed(bytes / (1024 * 1024))} MiB`
  return bytes >= 1024 ? `${trimmed(bytes / 1024)} KiB` : `${bytes} bytes`
}

function trimmed(value: number): string {
  return value.toFixed(2).replace(/\.?0+$/, '')
}

/** Such as `0.4 ms` or `12 ms`. */
export function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`
}
