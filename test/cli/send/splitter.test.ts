import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Position, start } from '../../../infra/cli/send/position.js'
import { type Block, RecordSplitter, type SplitterOptions } from '../../../infra/cli/send/splitter.js'
import { seed } from '../../support/seed.js'

const runs = { numRuns: 1500, seed }
const maxRecordSizeInBytes = 40

interface Cut {
  readonly records: readonly { number: number; text: string; sizeInBytes: number }[]
  readonly emptyRecords: readonly number[]
  readonly ends: readonly Position[]
}

function cut(chunks: readonly Buffer[], options: Partial<SplitterOptions> = {}): Cut {
  const splitter = new RecordSplitter({ maxRecordSizeInBytes, ...options })
  const blocks: (Block | undefined)[] = chunks.map((chunk) => splitter.push(chunk))
  blocks.push(splitter.finish())
  const made = blocks.filter((block) => block !== undefined)
  return {
    records: made.flatMap(({ records }) =>
      records.map(({ number, bytes, sizeInBytes }) => ({ number, text: bytes.toString('latin1'), sizeInBytes })),
    ),
    emptyRecords: made.flatMap(({ emptyRecords }) => emptyRecords),
    ends: made.map(({ end }) => end),
  }
}

/** Cuts bytes at random places. */
function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((at) => at % (bytes.length + 1)))].sort((a, b) => a - b)
  return [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length))
}

/** Much of what matters, close together. */
const content = fc
  .array(
    fc.constantFrom(
      'a',
      'bc',
      '"',
      '""',
      ',',
      '\n',
      '\r\n',
      '\r',
      '\u00e4',
      '\ufeff',
      'x'.repeat(45),
      '"a\nb"',
      '\n\n',
    ),
    { maxLength: 30 },
  )
  .map((parts) => Buffer.from(parts.join('')))
const cuts = fc.array(fc.nat({ max: 200 }), { maxLength: 12 })

describe(`whatever the chunks (seed ${seed})`, () => {
  test.each([undefined, 0x2c])('records are the same as in one piece (delimiter %s)', (csvDelimiter) => {
    fc.assert(
      fc.property(content, cuts, (bytes, at) => {
        const { ends: _, ...whole } = cut([bytes], { csvDelimiter })
        const { ends: __, ...cutUp } = cut(pieces(bytes, at), { csvDelimiter })
        expect(cutUp).toEqual(whole)
        const { ends: ___, ...byteByByte } = cut(
          [...bytes].map((byte) => Buffer.from([byte])),
          { csvDelimiter },
        )
        expect(byteByByte).toEqual(whole)
      }),
      runs,
    )
  })

  test('lines are what a simple split makes of them', () => {
    fc.assert(
      fc.property(content, cuts, (bytes, at) => {
        const lines = bytes
          .toString('latin1')
          .replace(/^\u00ef\u00bb\u00bf/, '')
          .split('\n')
        if (lines.at(-1) === '') lines.pop()
        const { records, emptyRecords } = cut(pieces(bytes, at), { maxRecordSizeInBytes: 10_000 })
        const found = new Map(records.map(({ number, text }) => [number, text]))
        for (const number of emptyRecords) found.set(number, '')
        expect([...found.keys()].sort((a, b) => a - b)).toEqual(lines.map((_, i) => i + 1))
        expect(lines.map((_, i) => found.get(i + 1))).toEqual(lines.map((line) => line.replace(/\r$/, '')))
      }),
      runs,
    )
  })

  test.each([undefined, 0x2c])(
    'from any place where a block ended, the rest is the same (delimiter %s)',
    (csvDelimiter) => {
      fc.assert(
        fc.property(content, cuts, cuts, (bytes, at, other) => {
          const whole = cut(pieces(bytes, at), { csvDelimiter })
          for (const end of whole.ends) {
            expect(end.checksum).toBe(crc32(bytes.subarray(0, end.offset)))
            // In CSV, a quote may be open, too.
            if (end.isOpen) expect(end.offset).toBe(bytes.length)
            if (csvDelimiter === undefined)
              expect(end.isOpen).toBe(end.offset === bytes.length && bytes.at(-1) !== 0x0a)
            if (end.isOpen) continue
            const rest = cut(pieces(bytes.subarray(end.offset), other), { csvDelimiter, from: end })
            expect(rest.records).toEqual(whole.records.filter(({ number }) => number > end.records))
            expect(rest.emptyRecords).toEqual(whole.emptyRecords.filter((number) => number > end.records))
          }
          const last = whole.ends.at(-1) ?? start
          expect(last.records).toBe(whole.records.length + whole.emptyRecords.length)
        }),
        runs,
      )
    },
  )

  test('no more than the limit is kept of any record', () => {
    fc.assert(
      fc.property(content, cuts, (bytes, at) => {
        for (const { text, sizeInBytes } of cut(pieces(bytes, at)).records) {
          if (sizeInBytes <= maxRecordSizeInBytes) expect(text.length).toBe(sizeInBytes)
          else expect(text.length).toBeLessThanOrEqual(1024)
        }
      }),
      runs,
    )
  })
})

test('a record of exactly the limit passes, with either newline; one byte more does not', () => {
  for (const newline of ['\n', '\r\n', '']) {
    for (const size of [maxRecordSizeInBytes, maxRecordSizeInBytes + 1]) {
      for (const chunks of [[`${'x'.repeat(size)}${newline}`], [...`${'x'.repeat(size)}${newline}`]]) {
        const { records } = cut(chunks.map((chunk) => Buffer.from(chunk)))
        expect(records.map(({ sizeInBytes }) => sizeInBytes)).toEqual([size])
      }
    }
  }
})

test('a line of half a gigabyte is refused with a kilobyte of it in memory', () => {
  const splitter = new RecordSplitter({ maxRecordSizeInBytes: 1_000_000 })
  const chunk = Buffer.alloc(1024 * 1024, 'x')
  for (let i = 0; i < 512; i++) expect(splitter.push(chunk)).toBeUndefined()
  const block = splitter.push(Buffer.from('\nnext\n'))
  expect(block?.records.map(({ bytes, sizeInBytes }) => [bytes.length, sizeInBytes])).toEqual([
    [1024, 512 * 1024 * 1024],
    [4, 4],
  ])
  // The memory behind it, too: not a window on a chunk.
  expect(block?.records[0]?.bytes.buffer.byteLength).toBeLessThan(20_000)
})

test('newlines within quotes end no record of CSV, and a quote in the middle of a field opens none', () => {
  const text = 'a,"b\nc"\n5" pipe,x\n"say ""hi""\n",y\r\n'
  const { records } = cut([Buffer.from(text)], { csvDelimiter: 0x2c })
  expect(records.map(({ text }) => text)).toEqual(['a,"b\nc"', '5" pipe,x', '"say ""hi""\n",y'])
})
