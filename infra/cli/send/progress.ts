import type { CliEnvironment } from '../environment.js'

/** How far a run is. */
export interface ProgressState {
  readonly accepted: number
  readonly refused: number
  /** Bytes of the input that are done with. */
  readonly bytes: number
  /** Undefined: nobody knows where the input ends. */
  readonly totalBytes: number | undefined
}

export type ProgressStyle = 'bar' | 'lines' | 'json' | 'none'

const intervalInMs: Readonly<Record<ProgressStyle, number>> = { bar: 100, lines: 5000, json: 5000, none: 5000 }
/** The rate is that of so much time past. */
const rateWindowInMs = 5000
const widestBar = 24
/** A shorter one says nothing. */
const narrowestBar = 6

/** Tells a person, or a program, how far a run is. */
export class Progress {
  readonly #environment: CliEnvironment
  readonly #name: string
  readonly #style: ProgressStyle
  readonly #read: () => ProgressState
  readonly #samples: { readonly at: number; readonly accepted: number; readonly bytes: number }[] = []
  readonly #cancel: () => void
  #drawn = false

  /** @param name what is sent, as shown before the bar */
  constructor(environment: CliEnvironment, name: string, style: ProgressStyle, read: () => ProgressState) {
    this.#environment = environment
    this.#name = name
    this.#style = style
    this.#read = read
    this.#cancel = environment.every(intervalInMs[style], () => this.#show())
    this.#sample(read())
  }

  /** Writes a line to standard error without tearing the bar. */
  note(text: string): void {
    this.#erase()
    this.#environment.stderr.write(`${text}\n`)
  }

  end(): void {
    this.#cancel()
    this.#erase()
  }

  #show(): void {
    const state = this.#read()
    const rates = this.#sample(state)
    const { stdout, stderr } = this.#environment
    switch (this.#style) {
      case 'bar': {
        const line = bar(this.#name, state, rates, stderr.columns - 1).slice(0, stderr.columns - 1)
        stderr.write(`\r${line}\u001b[K`)
        this.#drawn = true
        break
      }
      case 'lines':
        stderr.write(`${plain(this.#name, state, rates)}\n`)
        break
      case 'json':
        stdout.write(`${JSON.stringify({ type: 'progress', ...state })}\n`)
        break
      case 'none':
    }
  }

  #erase(): void {
    if (!this.#drawn) return
    this.#environment.stderr.write('\r\u001b[K')
    this.#drawn = false
  }

  #sample({ accepted, bytes }: ProgressState): Rates {
    const at = this.#environment.now()
    // The clock was set back: nothing follows from what was before.
    if ((this.#samples.at(-1)?.at ?? at) > at) this.#samples.length = 0
    this.#samples.push({ at, accepted, bytes })
    while ((this.#samples[1]?.at ?? at) < at - rateWindowInMs) this.#samples.shift()
    const since = this.#samples[0] ?? { at, accepted, bytes }
    const seconds = (at - since.at) / 1000
    if (seconds <= 0) return { records: 0, bytes: 0 }
    return { records: (accepted - since.accepted) / seconds, bytes: (bytes - since.bytes) / seconds }
  }
}

/** Each second. */
interface Rates {
  readonly records: number
  readonly bytes: number
}

/** The bar has what room the figures leave it. */
function bar(name: string, state: ProgressState, rates: Rates, columns: number): string {
  const { bytes, totalBytes } = state
  if (totalBytes === undefined) return plain(name, state, rates)
  const share = totalBytes === 0 ? 1 : Math.min(1, bytes / totalBytes)
  const figures = `${percent(share)}  ${counts(state, rates)}`
  const width = Math.min(widestBar, columns - name.length - figures.length - 4)
  if (width < narrowestBar) return plain(name, state, rates)
  const filled = Math.floor(share * width)
  return `${name} [${'#'.repeat(filled)}${'-'.repeat(width - filled)}] ${figures}`
}

function plain(name: string, state: ProgressState, rates: Rates): string {
  const { bytes, totalBytes } = state
  const share = totalBytes ? `${percent(Math.min(1, bytes / totalBytes))}, ` : ''
  return `${name}: ${share}${counts(state, rates)}`
}

function counts({ accepted, refused, bytes, totalBytes }: ProgressState, rates: Rates): string {
  const refusals = refused > 0 ? `, ${count(refused)} refused` : ''
  const left = totalBytes === undefined || rates.bytes <= 0 ? undefined : (totalBytes - bytes) / rates.bytes
  const arrival = left === undefined || left < 0 ? '' : `, ${duration(left)} left`
  return `${count(accepted)} sent${refusals}, ${count(Math.round(rates.records))}/s, ${size(rates.bytes)}/s${arrival}`
}

function percent(share: number): string {
  return `${Math.floor(share * 100)} %`
}

/** `1,234,567`: the same on every machine. */
export function count(number: number): string {
  return number.toLocaleString('en-US')
}

/** In seconds below a minute, `2:05` below an hour, `1:02:05` beyond. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds < 10 ? Math.ceil(seconds * 10) / 10 : Math.ceil(seconds)} s`
  const whole = Math.ceil(seconds)
  const padded = (number: number) => String(number).padStart(2, '0')
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes}:${padded(whole % 60)}`
  return `${Math.floor(minutes / 60)}:${padded(minutes % 60)}:${padded(whole % 60)}`
}

function size(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`
}
