import { type Fate, type Frozen, freezeIdle, freezeInFlush, type Interrupted, noAnswer } from '../support/freezing.js'
import type { Style } from '../support/producer.js'
import { atMost, none, officialColumn, type Row, runBenchmark, sluiceColumn, waitingPlot } from '../support/report.js'
import { byScale } from '../support/scale.js'
import { summarize } from '../support/statistics.js'
import type { Way } from '../support/ways.js'

const styles: readonly Style[] = ['direct', 'invocation', 'buffered']

interface Silence {
  readonly seconds: number
  /** Runs in each style. */
  readonly times: number
  readonly roundTripInMs?: number
  /** Beside the official client. */
  readonly isCompared?: boolean
  readonly hasBar?: boolean
}

const silences = byScale<readonly Silence[]>({
  full: [
    { seconds: 1, times: 2, hasBar: false },
    { seconds: 3, times: 3 },
    { seconds: 10, times: 3, isCompared: true },
    { seconds: 10, times: 2, roundTripInMs: 100 },
    { seconds: 75, times: 2 },
  ],
  quick: [
    { seconds: 1, times: 1, hasBar: false },
    { seconds: 3, times: 2 },
    { seconds: 10, times: 1, isCompared: true },
    { seconds: 10, times: 1, roundTripInMs: 100 },
  ],
  tiny: [{ seconds: 0.2, times: 1, isCompared: true }],
})
const officialPatienceInMs = byScale({ full: 240_000, quick: 15_000, tiny: 1000 })
const runsPerFate = byScale({ full: 20, quick: 4, tiny: 1 })
const officialRuns = byScale({ full: 5, quick: 1, tiny: 0 })
const frozenBrieflyInMs = byScale({ full: 1000, quick: 1000, tiny: 200 })
const roundTripInMs = byScale({ full: 100, quick: 100, tiny: 10 })
const healthySeconds = byScale({ full: [3, 10], quick: [3], tiny: [0.2] })
const frozenInFlushInMs = byScale({ full: 3000, quick: 3000, tiny: 200 })

const sluice = (style: Style, options: Way['options'] = {}): Way => ({ name: 'sluice', style, options })
const official: Way = { name: 'official', style: 'direct' }

function times(runs: readonly Frozen[]): number[] {
  return runs.map(({ acknowledgedInMs, failure }) => {
    if (acknowledgedInMs === undefined) throw new Error(`A send after a freeze failed: ${failure}`)
    return acknowledgedInMs
  })
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
const missingIn = (runs: readonly Frozen[]) => sum(runs.map(({ missing }) => missing))
const duplicatesIn = (runs: readonly Frozen[]) => sum(runs.map(({ duplicates }) => duplicates))

/** The official client's figure: a time, or what happened instead. */
function describeOfficial(runs: readonly Frozen[], patienceInMs = Number.POSITIVE_INFINITY): Row['figures'][string] {
  const acknowledged = runs.flatMap(({ acknowledgedInMs }) => acknowledgedInMs ?? [])
  if (acknowledged.length === runs.length) return summarize(acknowledged)
  const failed = runs.filter(({ failure }) => failure !== undefined)
  if (failed[0]?.failure === noAnswer) return `more than ${patienceInMs / 1000} s`
  return `${failed.length} of ${runs.length} sends fail`
}

/** Frozen while the peer goes away without a word. Few at a time: what wakes up must not wait for a processor. */
async function silentRow(silence: Silence, theirs: Promise<Frozen> | undefined): Promise<Row> {
  const { seconds, times: count, roundTripInMs = 0, hasBar = true } = silence
  const plan = { fate: 'silent', frozenInMs: seconds * 1000, roundTripInMs } as const
  const runs: Frozen[] = []
  for (let i = 0; i < count; i++) {
    runs.push(...(await Promise.all(styles.map((style) => freezeIdle({ way: sluice(style), ...plan })))))
  }
  const took = summarize(times(runs))
  const figures = {
    sluice: took,
    ...(theirs ? { official: describeOfficial([await theirs], officialPatienceInMs) } : {}),
  }
  const bar = atMost('slowest run', took.max, 1500)
  const distance = roundTripInMs > 0 ? `, ${roundTripInMs} ms round trip` : ''
  return {
    what: `frozen ${seconds} s, peer gone silently${distance} (${count} each: ${styles.join(', ')})`,
    unit: 'ms',
    figures,
    plot: theirs ? waitingPlot(`frozen ${seconds} s, peer gone silently`, figures, bar) : undefined,
    bars: [
      ...(hasBar ? [bar] : []),
      none('events lost', missingIn(runs)),
      none('events there twice (nothing was in flight)', duplicatesIn(runs)),
    ],
  }
}

/** The long freezes, and the official client's long wait, go on beside the others. */
async function silentRows(): Promise<Row[]> {
  const compared = silences.find(({ isCompared }) => isCompared)
  const theirs =
    compared &&
    freezeIdle({
      way: official,
      fate: 'silent',
      frozenInMs: compared.seconds * 1000,
      roundTripInMs: 0,
      patienceInMs: officialPatienceInMs,
    })
  // Waited for below; a failure in between must not go unheard.
  theirs?.catch(() => {})
  const rowOf = (silence: Silence) => silentRow(silence, silence.isCompared ? theirs : undefined)
  const isLong = ({ seconds }: Silence) => seconds > 30
  const long = Promise.all(silences.filter(isLong).map(rowOf))
  long.catch(() => {})
  const rows: Promise<Row>[] = []
  for (const silence of silences.filter((each) => !isLong(each))) {
    const row = rowOf(silence)
    row.catch(() => {})
    rows.push(row)
    // The next may start when this one only waits for the official client.
    if (!silence.isCompared) await row
  }
  return [...(await Promise.all(rows)), ...(await long)]
}

async function fateRow(fate: Exclude<Fate, 'silent' | 'healthy'>): Promise<Row> {
  const repeat = async (count: number, wayOf: (i: number) => Way) => {
    const runs: Frozen[] = []
    for (let i = 0; i < count; i++) {
      runs.push(await freezeIdle({ way: wayOf(i), fate, frozenInMs: frozenBrieflyInMs, roundTripInMs: 0 }))
    }
    return runs
  }
  const runs = await repeat(runsPerFate, (i) => sluice(styles[i % styles.length] ?? 'direct'))
  const theirs = await repeat(officialRuns, () => official)
  const took = summarize(times(runs))
  const flawless = runs.filter(({ missing, duplicates }) => missing + duplicates === 0).length
  const figures = { sluice: took, ...(theirs.length > 0 ? { official: describeOfficial(theirs) } : {}) }
  const bar = atMost('slowest run', took.max, 300)
  return {
    what: `frozen, then ${fate} (${runsPerFate} runs, styles in turn)`,
    unit: 'ms',
    figures,
    plot: waitingPlot(`frozen, then ${fate}`, figures, bar),
    bars: [bar, none(`runs of ${runsPerFate} that lose or repeat an event`, runsPerFate - flawless)],
  }
}

async function healthyRow(seconds: number): Promise<Row> {
  const plan = { fate: 'healthy', frozenInMs: seconds * 1000, roundTripInMs } as const
  const [theirs, ...runs] = await Promise.all([
    freezeIdle({ way: official, ...plan }),
    ...styles.map((style) => freezeIdle({ way: sluice(style), ...plan })),
  ])
  const took = summarize(times(runs))
  return {
    what: `frozen ${seconds} s, network healthy, ${roundTripInMs} ms round trip (${styles.join(', ')})`,
    unit: 'ms',
    figures: { sluice: took, official: describeOfficial([theirs]) },
    bars: [atMost('slowest run, 2 round trips + 20 ms', took.max, 2 * roundTripInMs + 20)],
  }
}

interface InFlushCase {
  readonly what: string
  readonly style: Style
  readonly fate: Fate
  readonly timeoutInMs: number
  readonly isIdempotent?: boolean
  /** Default: true. */
  readonly arrives?: boolean
}

const inFlush: readonly InFlushCase[] = [
  { what: 'invocation', style: 'invocation', fate: 'silent', timeoutInMs: 30_000 },
  { what: 'buffered', style: 'buffered', fate: 'silent', timeoutInMs: 30_000 },
  { what: 'invocation, events lost', style: 'invocation', fate: 'silent', timeoutInMs: 30_000, arrives: false },
  { what: 'invocation, then RST', style: 'invocation', fate: 'RST', timeoutInMs: 30_000 },
  { what: 'invocation whose deadline passes while frozen', style: 'invocation', fate: 'silent', timeoutInMs: 1500 },
  {
    what: 'invocation, idempotent retries',
    style: 'invocation',
    fate: 'silent',
    timeoutInMs: 30_000,
    isIdempotent: true,
  },
  { what: 'buffered, idempotent retries', style: 'buffered', fate: 'silent', timeoutInMs: 30_000, isIdempotent: true },
  {
    what: 'invocation, idempotent retries, RST',
    style: 'invocation',
    fate: 'RST',
    timeoutInMs: 30_000,
    isIdempotent: true,
  },
]

async function inFlushRow(each: InFlushCase): Promise<Row> {
  const { what, style, fate, timeoutInMs, isIdempotent, arrives = true } = each
  const way = sluice(style, isIdempotent ? { enableIdempotentRetries: true } : {})
  const row = {
    what: `frozen ${frozenInFlushInMs / 1000} s in the middle of a flush${arrives ? ', answers lost' : ''}; ${what}`,
    unit: 'ms',
  } as const
  let result: Interrupted
  try {
    result = await freezeInFlush({ way, fate, frozenInMs: frozenInFlushInMs, roundTripInMs: 0, timeoutInMs, arrives })
  } catch (error) {
    if (!String(error).includes('Unknown option')) throw error
    return { ...row, figures: { sluice: 'not available yet' }, bars: [] }
  }
  const { taken, accepted, reported, stored, duplicates, foreignDuplicates } = result
  return {
    ...row,
    figures: { sluice: summarize([result.nextInMs]) },
    bars: [
      none('events neither delivered nor reported', result.lostInSilence),
      none('events without an outcome', result.withoutOutcome),
      isIdempotent
        ? none('events there twice', duplicates + foreignDuplicates)
        : none('events there twice that were not in flight', foreignDuplicates),
    ],
    note: `of ${taken} events: accepted ${accepted}, reported ${reported}, in the hub ${stored}, of these twice ${duplicates}`,
  }
}

void runBenchmark(
  {
    name: 'freeze',
    title: 'First send after a freeze',
    method: [
      'The producer’s process is stopped by SIGSTOP with its connection warm; while it is stopped, the connection meets its fate at the proxy (`amqp:connection:forced`: at the hub); the next send already waits when SIGCONT comes.',
      'From that call to the acknowledgement, on loopback without added latency but where a round trip is named. What arrived, and how often, is counted at the hub.',
      'Silently gone: the old connection takes bytes and never answers; new ones work.',
      'In the middle of a flush: 200 events to four partitions, whose answers, or which themselves, are lost right before the freeze. The time is that of the next send after the flush has returned.',
    ],
    columns: [sluiceColumn, officialColumn],
  },
  async (add) => {
    const silent = silentRows()
    silent.catch(() => {})
    const rest: Row[] = []
    for (const fate of ['FIN', 'RST', 'forced close'] as const) rest.push(await fateRow(fate))
    for (const seconds of healthySeconds) rest.push(await healthyRow(seconds))
    for (const each of byScale({ full: inFlush, quick: inFlush, tiny: inFlush.slice(0, 1) })) {
      rest.push(await inFlushRow(each))
    }
    for (const row of [...(await silent), ...rest]) add(row)
  },
)
