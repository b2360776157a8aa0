import { readOptions, wholeOf } from '../../../core/options.js'
import { claimRecord, type IdempotencyRecord, settleRecord } from './record.js'
import type { IdempotencyClaim, IdempotencyOutcome, IdempotencyState, IdempotencyStore } from './store.js'

/** A binding to the class `IdempotencyObject`, as far as it matters here. */
export interface IdempotencyNamespace {
  /** The object of that name, made when it is first spoken to. */
  getByName(name: string): { fetch(url: string, init: { method: string; body: string }): Promise<Response> }
}

/** What Workers hand to a Durable Object, as far as it matters here. */
export interface IdempotencyObjectState {
  /** SQLite storage and the alarm. */
  readonly storage: {
    readonly sql: {
      exec(query: string, ...values: (string | number)[]): { toArray(): Record<string, unknown>[] }
    }
    getAlarm(): Promise<number | null>
    setAlarm(at: number): Promise<void>
  }
}

/** Options of `durableObjectIdempotencyStore`. */
export interface DurableObjectIdempotencyStoreOptions {
  /** How many objects share the keys; each answers some hundred requests a second. Another number forgets all keys. Default: 16. */
  readonly shards?: number | undefined
}

type Question =
  | { readonly key: string; readonly claim: IdempotencyClaim }
  | { readonly key: string; readonly outcome: IdempotencyOutcome }

/**
 * Remembers keys in Durable Objects of the class `IdempotencyObject`: one memory for every instance everywhere, which
 * outlives them. (Workers KV could not do it: what one place writes, another may read a minute later.)
 *
 * @param namespace the binding, such as `env.IDEMPOTENCY`
 */
export function durableObjectIdempotencyStore(
  namespace: IdempotencyNamespace,
  options: DurableObjectIdempotencyStoreOptions = {},
): IdempotencyStore {
  if (typeof namespace?.getByName !== 'function') {
    throw new TypeError(
      'durableObjectIdempotencyStore needs a Durable Object binding to the class IdempotencyObject. See durable_objects in wrangler.jsonc.',
    )
  }
  const { shards } = readOptions('durableObjectIdempotencyStore options', options, { shards: wholeOf(16) })
  const ask = async (question: Question): Promise<unknown> => {
    const shard = shardOf(question.key, shards)
    const body = JSON.stringify(question)
    // The object may be moving, or may have died on the way. Both questions may be asked twice.
    const response = await askOnce(namespace, shard, body).catch(() => askOnce(namespace, shard, body))
    return response.json()
  }
  return {
    claim: async (key, claim) => (await ask({ key, claim })) as IdempotencyState,
    settle: async (key, outcome) => void (await ask({ key, outcome })),
  }
}

async function askOnce(namespace: IdempotencyNamespace, name: string, body: string): Promise<Response> {
  // Anew each time: a stub that has failed once goes on failing.
  const response = await namespace.getByName(name).fetch('https://idempotency.invalid/', { method: 'POST', body })
  if (!response.ok) throw new Error(`The object ${name} answered ${response.status}.`)
  return response
}

/** Keys are digests: their first characters are spread evenly already. */
function shardOf(key: string, shards: number): string {
  let number = 0
  for (const character of key.slice(0, 6)) number = number * 64 + character.charCodeAt(0)
  return `idempotency-${number % shards}`
}

/** How long what has expired may lie about, in milliseconds: it is swept in one go. */
const sweepEveryInMs = 60_000

/**
 * The Durable Object behind `durableObjectIdempotencyStore`: export it from the Worker, and name it under
 * `new_sqlite_classes` in a migration. What it stores are digests, times and positions of events, and goes when it expires.
 */
export class IdempotencyObject {
  readonly #storage: IdempotencyObjectState['storage']

  /** Called by the platform. */
  constructor({ storage }: IdempotencyObjectState) {
    this.#storage = storage
    storage.sql.exec(
      'CREATE TABLE IF NOT EXISTS keys (key TEXT PRIMARY KEY, expires_at INTEGER NOT NULL, record TEXT NOT NULL) WITHOUT ROWID',
    )
    storage.sql.exec('CREATE INDEX IF NOT EXISTS keys_by_expiry ON keys (expires_at)')
  }

  /** Answers the store. Reading and writing are one turn: nothing comes between. */
  async fetch(request: Request): Promise<Response> {
    const question = (await request.json()) as Question
    const { key } = question
    const known = this.#read(key)
    if ('outcome' in question) {
      this.#write(key, known, settleRecord(known, question.outcome))
      return Response.json(null)
    }
    const { state, record } = claimRecord(known, question.claim, Date.now())
    if (record !== undefined) {
      this.#write(key, known, record)
      if ((await this.#storage.getAlarm()) === null) await this.#storage.setAlarm(record.expiresAt + sweepEveryInMs)
    }
    return Response.json(state)
  }

  /** Called by the platform: sweeps what has expired, and comes again for the rest. */
  async alarm(): Promise<void> {
    const { sql } = this.#storage
    sql.exec('DELETE FROM keys WHERE expires_at <= ?', Date.now())
    const next = sql.exec('SELECT MIN(expires_at) AS next FROM keys').toArray()[0]?.next
    if (typeof next === 'number') await this.#storage.setAlarm(next + sweepEveryInMs)
  }

  #read(key: string): IdempotencyRecord | undefined {
    const row = this.#storage.sql.exec('SELECT record FROM keys WHERE key = ?', key).toArray()[0]
    return row === undefined ? undefined : (JSON.parse(String(row.record)) as IdempotencyRecord)
  }

  #write(key: string, known: IdempotencyRecord | undefined, record: IdempotencyRecord | undefined): void {
    if (record === known) return
    const { sql } = this.#storage
    if (record === undefined) sql.exec('DELETE FROM keys WHERE key = ?', key)
    else
      sql.exec(
        'INSERT OR REPLACE INTO keys (key, expires_at, record) VALUES (?, ?, ?)',
        key,
        record.expiresAt,
        JSON.stringify(record),
      )
  }
}
