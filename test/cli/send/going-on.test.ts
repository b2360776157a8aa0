import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DeadLetterFile } from '../../../infra/cli/send/dead-letters.js'
import { openFile } from '../../../infra/cli/send/input.js'
import { Ledger } from '../../../infra/cli/send/ledger.js'
import { Settlement } from '../../../infra/cli/send/settlement.js'
import { RecordSplitter } from '../../../infra/cli/send/splitter.js'
import { seed } from '../../support/seed.js'

const subject = { target: 'ns/orders', format: 'lines' }
const job = { format: { columns: undefined }, keepGoing: true }

/** What one run comes to: how its input comes, what it settles of that, in which order, and how it ends. */
interface Run {
  readonly chunkSize: number
  /** Of how many records that wait a group is settled; each of them picks by its number. */
  readonly picks: readonly number[]
  readonly isKilled: boolean
  /** What is added to the file afterwards, as lines; an empty one too. */
  readonly added: readonly boolean[]
  readonly endsWithNewline: boolean
}

const run: fc.Arbitrary<Run> = fc.record({
  chunkSize: fc.integer({ min: 1, max: 60 }),
  picks: fc.array(fc.nat({ max: 1000 }), { maxLength: 25 }),
  isKilled: fc.boolean(),
  added: fc.array(fc.boolean(), { maxLength: 12 }),
  endsWithNewline: fc.boolean(),
})

/** Reads on from the ledger, and settles what the picks say, or all. Returns what it has accepted. */
async function perform(file: string, path: string, { chunkSize, picks, isKilled }: Run, isLast: boolean) {
  const before = Ledger.read(path, subject)
  const input = await openFile(file, before)
  const settlement = new Settlement({
    ...job,
    input,
    before,
    openLedger: (whole) => Ledger.open(path, subject, whole, 100),
    deadLetters: new DeadLetterFile(`${path}.dead-letters`),
  })
  const splitter = new RecordSplitter({ maxRecordSizeInBytes: 1000, from: input.from })
  const waiting: { readonly number: number; readonly text: string }[] = []
  const accepted: string[] = []
  const read = (block: ReturnType<RecordSplitter['finish']>) => {
    if (!block) return
    settlement.read(block.end)
    for (const number of block.emptyRecords) if (!settlement.isSettled(number)) settlement.skip(number)
    for (const { number, bytes } of block.records) {
      if (!settlement.isSettled(number)) waiting.push({ number, text: bytes.toString() })
    }
  }
  const settle = (pick: number) => {
    const size = Math.min(waiting.length, 1 + (pick % 3))
    const group = Array.from({ length: size }, () => waiting.splice(pick % waiting.length, 1)).flat()
    accepted.push(...group.map(({ text }) => text))
    settlement.accept(group.map(({ number }) => number))
  }
  const left = [...picks]
  for await (const chunk of input.chunks) {
    for (let at = 0; at < chunk.length; at += chunkSize) {
      read(splitter.push(chunk.subarray(at, at + chunkSize)))
      const pick = left.shift()
      if (pick !== undefined && waiting.length > 0) settle(pick)
    }
  }
  read(splitter.finish())
  for (const pick of left) if (waiting.length > 0) settle(pick)
  while (isLast && waiting.length > 0) settle(0)
  if (isLast) settlement.finish(true)
  if (isKilled && !isLast) settlement.abandon()
  else settlement.close()
  await input.close()
  return accepted
}

test.each([false, true])(
  `however runs end and the file grows, each line is accepted once (gzip: %s, seed ${seed})`,
  async (isGzip) => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-going-on-'))
    let nth = 0
    await fc.assert(
      fc.asyncProperty(fc.array(run, { minLength: 1, maxLength: 6 }), async (runs) => {
        const file = join(folder, `${nth++}`)
        const path = `${file}.ledger`
        await writeFile(file, '')
        let content = ''
        let lines = 0
        const expected: string[] = []
        const accepted: string[] = []
        for (const each of [...runs, runs[0]]) {
          if (each === undefined) break
          let added = content === '' || content.endsWith('\n') ? '' : '\n'
          for (const isEmpty of each.added) {
            const line = isEmpty ? '' : `line ${lines++}`
            if (!isEmpty) expected.push(line)
            added += `${line}\n`
          }
          if (!each.endsWithNewline && added.length > 1 && !added.endsWith('\n\n')) added = added.slice(0, -1)
          content += added
          if (isGzip) await writeFile(file, gzipSync(content))
          else await appendFile(file, added)
          accepted.push(...(await perform(file, path, each, false)))
        }
        const last = { chunkSize: 17, picks: [], isKilled: false, added: [], endsWithNewline: true }
        accepted.push(...(await perform(file, path, last, true)))
        expect([...accepted].sort()).toEqual([...expected].sort())
        const { totals, settled, reach } = Ledger.read(path, subject) ?? {}
        const records = content.split('\n').length - (content.endsWith('\n') || content === '' ? 1 : 0)
        if (records > 0) expect(totals).toEqual({ accepted: lines, refused: 0, skipped: records - lines })
        expect([settled ?? [], reach]).toEqual([[], undefined])
      }),
      { numRuns: isGzip ? 40 : 100, seed },
    )
    await rm(folder, { recursive: true })
  },
)
