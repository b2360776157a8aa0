import type { FaultSpan, FaultsView, Happening } from './protocol.js'

/** What a page that has just been opened is shown. */
const keptHappenings = 300
const keptSpans = 50
/** In one message to the page; a client that logs more than this in a tenth of a second has nothing new to say. */
const maxFresh = 200

type WithoutIdentity<T> = T extends unknown ? Omit<T, 'id' | 'at'> : never

const named = {
  throttle: ['Throttling', 'The hub refuses every send as server-busy.'],
  silence: ['Silence', 'The hub takes bytes and answers nothing.'],
  refuseConnections: ['No connections', 'The hub drops every new connection.'],
} as const

/** What happened, in order, and which faults lasted from when to when. */
export class Timeline {
  readonly #now: () => number
  #kept: Happening[] = []
  #fresh: Happening[] = []
  #spans: FaultSpan[] = []
  #nextId = 1
  #areSpansFresh = false
  #faults: FaultsView = { throttle: false, silence: false, refuseConnections: false, latencyInMs: 0 }
  #frozen = false

  constructor(now: () => number) {
    this.#now = now
  }

  get kept(): readonly Happening[] {
    return this.#kept
  }

  get spans(): readonly FaultSpan[] {
    return this.#spans
  }

  add(happening: WithoutIdentity<Happening>): void {
    const complete = { ...happening, id: this.#nextId++, at: this.#now() } as Happening
    this.#kept.push(complete)
    if (this.#kept.length > 2 * keptHappenings) this.#kept = this.#kept.slice(-keptHappenings)
    this.#fresh.push(complete)
    if (this.#fresh.length > maxFresh) this.#fresh.shift()
  }

  /** Notes what has changed since the last call, whoever changed it. Returns whether anything has. */
  observe(faults: FaultsView, isFrozen: boolean): boolean {
    const before = this.#faults
    this.#faults = faults
    for (const [name, [title, meaning]] of Object.entries(named) as [keyof typeof named, readonly [string, string]][]) {
      if (faults[name] === before[name]) continue
      this.add({ kind: 'fault', text: faults[name] ? `${title} on. ${meaning}` : `${title} off.` })
      this.#span(title, faults[name])
    }
    if (faults.latencyInMs !== before.latencyInMs) {
      const { latencyInMs } = faults
      this.add({
        kind: 'fault',
        text: latencyInMs > 0 ? `Each answer takes ${latencyInMs} ms longer.` : 'Latency off.',
      })
      this.#span('Added latency', latencyInMs > 0)
    }
    if (isFrozen !== this.#frozen) {
      this.#frozen = isFrozen
      this.#span('Frozen', isFrozen)
    }
    return JSON.stringify(faults) !== JSON.stringify(before)
  }

  /** What has been added since the last call. */
  take(): { readonly happened: Happening[]; readonly spans: FaultSpan[] | undefined } {
    const happened = this.#fresh
    const spans = this.#areSpansFresh ? this.#spans : undefined
    this.#fresh = []
    this.#areSpansFresh = false
    return { happened, spans }
  }

  #span(name: string, isOn: boolean): void {
    const at = this.#now()
    const isOpen = (span: FaultSpan): boolean => span.name === name && span.until === undefined
    if (!isOn) this.#spans = this.#spans.map((span) => (isOpen(span) ? { ...span, until: at } : span))
    else if (!this.#spans.some(isOpen)) this.#spans = [...this.#spans, { id: this.#nextId++, name, from: at }]
    this.#spans = this.#spans.slice(-keptSpans)
    this.#areSpansFresh = true
  }
}
