import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { Ledger } from '../../../infra/cli/send/ledger.js'
import type { Totals } from '../../../infra/cli/send/ledger-format.js'
import { type LocalHub, startLocalHub } from '../../../infra/local-hub/index.js'

/** What is done to `sluice send`. */
export interface InterruptedSend {
  /** The command line as one file. */
  readonly program: string
  /** An empty folder. */
  readonly folder: string
  readonly records: number
  /** How often the process is killed, each time at a random instant. */
  readonly kills: number
  readonly partitionCount: number
  readonly random: () => number
  readonly log: (line: string) => void
  /** How often the memory of the process is measured, in milliseconds. Default: never. */
  readonly sampleMemoryInMs?: number
}

/** What came of it. */
export interface InterruptedSendResult {
  readonly missing: number
  /** Records that are no JSON, and are not in the dead-letter file. */
  readonly missingDeadLetters: number
  /** Others that are. */
  readonly wrongDeadLetters: number
  /** By how much the ledger's totals differ from what is in the file. */
  readonly miscounted: number
  /** Copies beyond the first. */
  readonly duplicates: number
  /** Stored and not in the ledger, summed over the kills: what could arrive twice. */
  readonly unconfirmed: number
  /** Most of them at one kill. */
  readonly mostUnconfirmed: number
  /** Most events of one batch that the hub was sent. */
  readonly largestBatch: number
  readonly exitCode: number | null
  /** Keys whose records first arrived in another order than that of the file. */
  readonly keysOutOfOrder: number
  readonly durationInMs: number
  readonly rssInMiB: readonly {
    readonly run: number
    readonly atInMs: number
    readonly rss: number
    readonly stored: number
  }[]
}

const keyCount = 997

function kindOf(id: number): 'sound' | 'empty' | 'broken' {
  if (id % 501 === 0) return 'empty'
  return id % 703 === 0 ? 'broken' : 'sound'
}

/** The numbers of all records of a kind. */
function allOf(kind: ReturnType<typeof kindOf>, records: number): number[] {
  return Array.from({ length: records }, (_, i) => i + 1).filter((id) => kindOf(id) === kind)
}
const eventHubName = 'events'

/**
 * Sends a file to a local hub by `sluice send`, kills it with SIGKILL whenever the hub has come to a random number of events
 * and a random while has passed, runs it again until it has ended by itself, and compares what the hub was told.
 */
export async function interruptedSend(options: InterruptedSend): Promise<InterruptedSendResult> {
  const { folder, records, random, log } = options
  const file = join(folder, 'records.ndjson')
  const sizeInBytes = writeRecords(file, records)
  log(`${records} records, ${(sizeInBytes / 1e6).toFixed(1)} MB`)
  const sound = allOf('sound', records).length
  const tally = new Tally(records)
  const hub = await startLocalHub({
    eventHubs: { [eventHubName]: { partitionCount: options.partitionCount } },
    retention: { maxEventsPerPartition: 1000 },
    onStored: (_name, events) => tally.stored(events),
  })
  const startedAt = performance.now()
  const rssInMiB: InterruptedSendResult['rssInMiB'][number][] = []
  const unconfirmed: number[] = []
  let exitCode: number | null = null
  try {
    for (let run = 0; run <= options.kills; run++) {
      const child = startSend(options.program, file, hub)
      const stopSampling = sampleMemory(child, options.sampleMemoryInMs, (rss) =>
        rssInMiB.push({ run, atInMs: Math.round(performance.now() - startedAt), rss, stored: tally.distinct }),
      )
      const exited = once(child, 'exit')
      if (run < options.kills) {
        // Now and then while it is still reading its ledger; else far enough on that the last kill comes before the end.
        const isEarly = random() < 0.2
        const stretch = (sound - tally.distinct) / (options.kills - run)
        const point = tally.distinct + 1 + Math.floor(random() * stretch)
        if (!isEarly) await Promise.race([tally.reaches(point), exited])
        await new Promise((resolve) => setTimeout(resolve, random() * (isEarly ? 300 : 40)))
        child.kill('SIGKILL')
      }
      const [code, signal] = (await exited) as [number | null, string | null]
      stopSampling()
      exitCode = code
      if (signal !== 'SIGKILL') {
        log(`run ${run + 1}: ended by itself with ${code}; ${settledIn(`${file}.sluice-ledger`, hub)} in the ledger`)
        break
      }
      // What it had handed to the system still arrives.
      await allGone(hub)
      const settled = settledIn(`${file}.sluice-ledger`, hub)
      unconfirmed.push(tally.distinct - settled)
      log(`run ${run + 1}: killed at ${tally.distinct} stored, ${settled} in the ledger`)
    }
  } finally {
    await hub.close()
  }
  const letters = deadLetters(`${file}.dead-letter.ndjson`)
  const broken = allOf('broken', records)
  const totals = totalsIn(`${file}.sluice-ledger`, hub)
  return {
    missing: sound - tally.distinct,
    missingDeadLetters: broken.filter((id) => !letters.has(id)).length,
    wrongDeadLetters: letters.size - broken.filter((id) => letters.has(id)).length,
    miscounted:
      Math.abs(totals.accepted - sound) +
      Math.abs(totals.refused - broken.length) +
      Math.abs(totals.skipped - allOf('empty', records).length),
    duplicates: tally.total - tally.distinct,
    unconfirmed: unconfirmed.reduce((sum, count) => sum + count, 0),
    mostUnconfirmed: Math.max(0, ...unconfirmed),
    largestBatch: tally.largestBatch,
    exitCode,
    keysOutOfOrder: tally.keysOutOfOrder.size,
    durationInMs: performance.now() - startedAt,
    rssInMiB,
  }
}

/** What the hub was told to store: how often each record, and in which order within its key. */
class Tally {
  readonly #copies: Uint8Array
  readonly #lastOfKey = new Map<number, number>()
  readonly keysOutOfOrder = new Set<number>()
  distinct = 0
  total = 0
  largestBatch = 0
  #waiting: { readonly count: number; readonly resolve: () => void } | undefined

  constructor(records: number) {
    this.#copies = new Uint8Array(records + 1)
  }

  stored(events: readonly { readonly body: Buffer }[]): void {
    this.largestBatch = Math.max(this.largestBatch, events.length)
    for (const { body } of events) {
      const id = Number(/^\{"id":(\d+),/.exec(body.toString('latin1', 0, 24))?.[1])
      this.total++
      const copies = this.#copies[id]
      if (copies === undefined) throw new Error(`The hub was sent a record that is not in the file: ${id}.`)
      this.#copies[id] = copies + 1
      if (copies > 0) continue
      this.distinct++
      const key = id % keyCount
      if (id < (this.#lastOfKey.get(key) ?? 0)) this.keysOutOfOrder.add(key)
      this.#lastOfKey.set(key, id)
    }
    if (this.#waiting && this.distinct >= this.#waiting.count) this.#waiting.resolve()
  }

  reaches(count: number): Promise<void> {
    if (this.distinct >= count) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting = { count, resolve }
    })
  }
}

function writeRecords(file: string, records: number): number {
  const fd = openSync(file, 'w')
  let size = 0
  let text = ''
  for (let id = 1; id <= records; id++) {
    // Some are no records, and some are refused: a kill must not lose count of these either.
    const kind = kindOf(id)
    if (kind === 'empty') text += '\n'
    else if (kind === 'broken') text += `{"id":${id}\n`
    else
      text += `{"id":${id},"key":"k${id % keyCount}","text":"${'some text that a line of a log may well have '.repeat(2)}"}\n`
    if (text.length < 1e6 && id < records) continue
    size += writeSync(fd, text)
    text = ''
  }
  closeSync(fd)
  return size
}

function startSend(program: string, file: string, hub: LocalHub): ChildProcess {
  const env = { ...process.env, EVENTHUB_CONNECTION_STRING: hub.connectionStringFor(eventHubName) }
  return spawn(process.execPath, [program, 'send', file, '--key', 'key', '--quiet'], {
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
}

function settledIn(ledgerPath: string, hub: LocalHub): number {
  return totalsIn(ledgerPath, hub).accepted
}

function totalsIn(ledgerPath: string, hub: LocalHub): Totals {
  const subject = { target: `${hub.host}/${eventHubName}`, format: 'ndjson' }
  return Ledger.read(ledgerPath, subject)?.totals ?? { accepted: 0, refused: 0, skipped: 0 }
}

/** The numbers of the records in a dead-letter file. A line that a kill has cut off is written again by the next run. */
function deadLetters(path: string): ReadonlySet<number> {
  if (!existsSync(path)) return new Set()
  const found = readFileSync(path, 'utf8').matchAll(/^\{"record":(\d+),.*\}$/gm)
  return new Set([...found].map((match) => Number(match[1])))
}

/** Resolves once no connection is left, and so nothing more can arrive. */
async function allGone(hub: LocalHub): Promise<void> {
  while (hub.connections.length > 0) await new Promise((resolve) => setTimeout(resolve, 5))
}

function sampleMemory(
  child: ChildProcess,
  intervalInMs: number | undefined,
  take: (mebibytes: number) => void,
): () => void {
  if (intervalInMs === undefined) return () => {}
  const timer = setInterval(() => {
    try {
      const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]
      if (kibibytes) take(Math.round(Number(kibibytes) / 1024))
    } catch {
      // It has just ended.
    }
  }, intervalInMs)
  return () => clearInterval(timer)
}
