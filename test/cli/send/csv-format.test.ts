import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CsvFormat } from '../../../infra/cli/send/csv-format.js'
import { RecordSplitter } from '../../../infra/cli/send/splitter.js'
import { seed } from '../../support/seed.js'

const noOptions = { keyOptional: false, sendsOwnContentType: true, properties: {}, propertyFields: {} }
const maxSize = 10_000

/** Through splitter and format, whatever the chunks. */
function read(text: string, delimiter: string, cuts: readonly number[]) {
  const format = new CsvFormat(noOptions, maxSize, { delimiter, asText: false }, undefined)
  const splitter = new RecordSplitter({ maxRecordSizeInBytes: maxSize, csvDelimiter: format.csvDelimiter })
  const bytes = Buffer.from(text)
  const places = [...new Set(cuts.map((at) => at % (bytes.length + 1)))].sort((a, b) => a - b)
  const chunks = [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length))
  const blocks = [...chunks.map((chunk) => splitter.push(chunk)), splitter.finish()]
  return blocks.flatMap((block) => (block ? [...format.convert(block.records)] : []))
}

const field = fc.array(fc.constantFrom('a', 'b c', '"', ',', ';', '\t', '\n', '\r\n', '\u00e4\u{1f600}', ' '), {
  maxLength: 5,
})
const cuts = fc.array(fc.nat({ max: 500 }), { maxLength: 10 })

test(`rows are read as RFC 4180 writes them, whatever is in them and whatever the chunks (seed ${seed})`, () => {
  const table = fc
    .tuple(fc.integer({ min: 1, max: 4 }), fc.nat({ max: 8 }))
    .chain(([width, height]) =>
      fc.array(fc.array(field, { minLength: width, maxLength: width }), { minLength: height, maxLength: height }),
    )
  fc.assert(
    fc.property(
      table,
      fc.constantFrom(',', ';', '\t'),
      fc.constantFrom('\n', '\r\n'),
      cuts,
      fc.boolean(),
      (parts, delimiter, newline, at, isOpen) => {
        const rows = parts.map((row) => row.map((pieces) => pieces.join('')))
        const columns = Array.from({ length: rows[0]?.length ?? 1 }, (_, i) => `c${i}`)
        // All that needs quotes has them, and so has what would be an empty line.
        const quoted = (text: string) => (/[",;\t\r\n]|^$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
        const lines = [columns, ...rows].map((row) => row.map(quoted).join(delimiter))
        const converted = read(lines.join(newline) + (isOpen ? '' : newline), delimiter, at)
        expect(converted[0]?.kind).toBe('skipped')
        const bodies = converted
          .slice(1)
          .map((each) => (each.kind === 'event' ? JSON.parse(String(each.event.body)) : each))
        expect(bodies).toEqual(rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]]))))
      },
    ),
    { numRuns: 800, seed },
  )
})

test(`of any text at all, each record becomes one thing, and nothing is thrown (seed ${seed})`, () => {
  const any = fc.array(fc.constantFrom('a', '"', '""', ',', '\n', '\r\n', '\r', '\u0000', '\ufeff', 'x,y\n'), {
    maxLength: 40,
  })
  fc.assert(
    fc.property(any, cuts, (parts, at) => {
      const text = `c0,c1\n${parts.join('')}`
      const converted = read(text, ',', at)
      const numbers = converted.map(({ raw }) => raw.number)
      expect(new Set(numbers).size).toBe(numbers.length)
      const whole = read(text, ',', [])
      const told = (list: typeof converted) =>
        list
          .map((each) => [each.raw.number, each.kind, each.kind === 'event' ? each.event.body : undefined])
          .sort(([a], [b]) => Number(a) - Number(b))
      expect(told(converted)).toEqual(told(whole))
    }),
    { numRuns: 800, seed },
  )
})
