import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, writeSync } from 'node:fs'
import { link, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Ledger } from '../../../infra/cli/send/ledger.js'
import type { LedgerEntry, LedgerState } from '../../../infra/cli/send/ledger-format.js'
import { takeLock } from '../../../infra/cli/send/lock.js'

const subject = { target: 'ns/orders', format: 'ndjson' }
const at = (records: number) => ({ records, offset: records * 100, checksum: records ** 3, isOpen: false })
const totals = (accepted: number) => ({ accepted, refused: 0, skipped: 0 })

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-ledger-'))
  path = join(folder, 'orders.ndjson.sluice-ledger')
})
afterEach(() => rm(folder, { recursive: true }))

/** What a run writes, and how things stand after each line of it. */
const entries: readonly LedgerEntry[] = [
  { totals: totals(0), file: { size: 5000, modifiedInMs: 1700000000000.123, inode: 7 } },
  {
    totals: totals(2),
    settled: [
      [1, 2],
      [4, 5],
    ],
  },
  {
    totals: totals(5),
    settled: [
      [2, 4],
      [9, 10],
    ],
    position: at(3),
    columns: ['a', 'b\u00e4'],
  },
  { totals: { accepted: 6, refused: 1, skipped: 2 }, settled: [[5, 9]], position: { ...at(9), isOpen: true } },
]
const states: readonly Omit<LedgerState, 'subject' | 'totals'>[] = [
  { position: at(0), settled: [] },
  {
    position: at(0),
    settled: [
      [1, 2],
      [4, 5],
    ],
  },
  {
    position: at(3),
    settled: [
      [4, 5],
      [9, 10],
    ],
    columns: ['a', 'b\u00e4'],
  },
  { position: { ...at(9), isOpen: true }, settled: [], columns: ['a', 'b\u00e4'] },
]

function write(): Ledger {
  const ledger = Ledger.open(path, subject, { totals: totals(0) })
  for (const entry of entries) {
    ledger.append(entry, () => {
      throw new Error('too small to be compacted')
    })
  }
  return ledger
}

describe('the ledger', () => {
  test('tells the next run what was settled', () => {
    write()
    expect(Ledger.read(path, subject)).toEqual({
      subject,
      totals: entries[3]?.totals,
      file: entries[0]?.file,
      ...states[3],
    })
  })

  test('is as if the last line had not been written, wherever it is cut off', async () => {
    write()
    const bytes = await readFile(path)
    const lineEnds = [...bytes.keys()].filter((index) => bytes[index] === 0x0a).map((index) => index + 1)
    // The header and the line that opens it come at once, under a name that is given when they are whole.
    const [, whole = 0] = lineEnds
    for (let size = whole; size <= bytes.length; size++) {
      const lines = lineEnds.filter((end) => end <= size).length - 2
      for (const torn of [bytes.subarray(0, size), Buffer.concat([bytes.subarray(0, size), Buffer.alloc(40)])]) {
        await writeFile(path, torn)
        const { totals: _, subject: __, file: ___, ...state } = Ledger.read(path, subject) ?? ({} as LedgerState)
        expect([size, state]).toEqual([size, lines === 0 ? { position: at(0), settled: [] } : states[lines - 1]])
      }
    }
    for (let size = 1; size < (lineEnds[0] ?? 0); size++) {
      await writeFile(path, bytes.subarray(0, size))
      expect(() => Ledger.read(path, subject)).toThrow('cannot be used as a ledger')
    }
    await writeFile(path, '')
    expect(Ledger.read(path, subject)).toBeUndefined()
  })

  test('is refused by name when any byte before its last line is damaged', async () => {
    write()
    const bytes = await readFile(path)
    const lastLine = bytes.lastIndexOf(0x0a, bytes.length - 2) + 1
    // The newline itself apart: without it, the two last lines are one that is torn.
    for (let index = 0; index < lastLine - 1; index++) {
      const damaged = Buffer.from(bytes)
      damaged[index] = (damaged[index] ?? 0) ^ 0x04
      await writeFile(path, damaged)
      expect(() => Ledger.read(path, subject), `byte ${index}`).toThrow(/cannot be used as a ledger: it (is|was)/)
    }
  })

  test('goes on from a torn line as if it were not there', async () => {
    write()
    const bytes = await readFile(path)
    await writeFile(path, bytes.subarray(0, -3))
    const before = Ledger.read(path, subject)
    const ledger = Ledger.open(path, subject, before ?? { totals: totals(0) })
    ledger.append({ totals: totals(8), settled: [[5, 7]] }, () => ({ totals: totals(8) }))
    expect(Ledger.read(path, subject)).toMatchObject({
      totals: totals(8),
      position: at(3),
      settled: [
        [4, 7],
        [9, 10],
      ],
    })
  })

  test('stays small: lines are gathered into one, and nothing is lost by it', async () => {
    const ledger = Ledger.open(path, subject, { totals: totals(0) }, 2000)
    let largest = 0
    for (let records = 1; records <= 2000; records++) {
      const entry = { totals: totals(records), position: at(records) }
      ledger.append(entry, () => ({ ...entry, settled: [[records + 5, records + 9]] }))
      if (records % 50 === 0) largest = Math.max(largest, (await stat(path)).size)
    }
    expect(largest).toBeLessThan(2300)
    expect(Ledger.read(path, subject)).toMatchObject({ totals: totals(2000), position: at(2000) })
    ledger.close({ totals: totals(2001), position: at(2001) })
    expect((await stat(path)).size).toBeLessThan(300)
    expect(Ledger.read(path, subject)).toMatchObject({ totals: totals(2001), position: at(2001), settled: [] })
    expect(await readdir(folder)).toEqual(['orders.ndjson.sluice-ledger'])
  })

  test('is readable by its owner alone, and survives what a killed compaction leaves', async () => {
    write()
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const before = Ledger.read(path, subject)
    await writeFile(`${path}.new`, 'half a li')
    expect(Ledger.read(path, subject)).toEqual(before)
    Ledger.open(path, subject, before ?? { totals: totals(0) }).close(before ?? { totals: totals(0) })
    expect(existsSync(`${path}.new`)).toBe(false)
    expect(Ledger.read(path, subject)).toEqual(before)
  })

  test('of another job, and any other file, is refused in a sentence that says what to do', async () => {
    write()
    const refusals: [object, RegExp][] = [
      [{ target: 'ns/payments' }, /is that of sending to ns\/orders, not to ns\/payments\. .*--restart/],
      [{ format: 'lines' }, /was begun with the format ndjson, not lines\. .*--restart/],
    ]
    for (const [other, sentence] of refusals) {
      expect(() => Ledger.read(path, { ...subject, ...other })).toThrow(sentence)
    }
    await writeFile(path, '{"id":1}\n{"id":2}\n')
    expect(() => Ledger.read(path, subject)).toThrow(/cannot be used as a ledger: it is no ledger of sluice send\./)
    expect(await readFile(path, 'utf8')).toBe('{"id":1}\n{"id":2}\n')
  })
})

describe('the lock', () => {
  const lock = () => `${path}.lock`
  const holder = (changes: object) => JSON.stringify({ pid: process.pid, host: hostname(), startedAt: '1', ...changes })

  test('is had by one, and given back', async () => {
    const release = takeLock(lock())
    expect(() => takeLock(lock())).toThrow(`Process ${process.pid} on ${hostname()} is sending with this ledger.`)
    release()
    expect(await readdir(folder)).toEqual([])
    takeLock(lock())()
    // Given back twice, it takes nobody else's away.
    const other = takeLock(lock())
    release()
    expect(existsSync(lock())).toBe(true)
    other()
  })

  test('of a process that is dead is taken over', async () => {
    const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
    await once(child, 'exit')
    await writeFile(lock(), holder({ pid: child.pid }))
    takeLock(lock())()
    expect(await readdir(folder)).toEqual([])
  })

  test.runIf(process.platform === 'linux')(
    'of an earlier process with an id that is taken again is taken over',
    async () => {
      for (const pid of [process.pid, process.ppid]) {
        await writeFile(lock(), holder({ pid, startedAt: '1' }))
        takeLock(lock())()
      }
    },
  )

  test.runIf(process.platform === 'linux')(
    'of a process of our own id that was killed while it took it is taken over',
    async () => {
      await writeFile(lock(), holder({ pid: process.pid, startedAt: '1' }))
      await link(lock(), `${lock()}.${process.pid}`)
      takeLock(lock())()
      expect(await readFile(`${lock()}.${process.pid}`, 'utf8')).toBe(holder({ pid: process.pid, startedAt: '1' }))
    },
  )

  test.each([
    ['of another machine', { host: 'another-machine', pid: 1 }],
    ['that cannot be read', undefined],
  ])('%s is left alone, and the person is told', async (_name, changes) => {
    await writeFile(lock(), changes === undefined ? 'what?' : holder(changes))
    expect(() => takeLock(lock())).toThrow(/is sending with this ledger\. .* delete '.*\.lock' and try again\.$/)
    expect(await readdir(folder)).toEqual(['orders.ndjson.sluice-ledger.lock'])
  })
})

describe('a ledger that cannot be written any more', () => {
  test('writes into no file that has taken the number of its own', async () => {
    const ledger = Ledger.open(path, subject, { totals: totals(0) }, 1)
    const whole = () => ({ totals: totals(9) })
    // In the way of the new file, as a full disk would be.
    await mkdir(`${path}.new`)
    const append = () => {
      for (let i = 0; i < 200; i++) ledger.append({ totals: totals(1), settled: [[1, 2]] }, whole)
    }
    expect(append).toThrow(/EISDIR/)
    const other = openSync(join(folder, 'other'), 'w')
    expect(append).toThrow(/is closed/)
    ledger.sync()
    ledger.abandon()
    writeSync(other, 'mine')
    closeSync(other)
    expect(await readFile(join(folder, 'other'), 'utf8')).toBe('mine')
    expect(Ledger.read(path, subject)).toMatchObject({ totals: totals(1), settled: [[1, 2]] })
  })
})
