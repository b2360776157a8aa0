import { expect, test } from 'vitest'
import {
  counted,
  duration,
  hexDump,
  hue,
  prettyJson,
  scalar,
  size,
  utf8,
} from '../../../../../infra/hub-page/ui/format.js'

test('numbers, sizes and times are written for people', () => {
  expect([counted(1, 'event'), counted(0, 'event'), counted(12_345, 'event')]).toEqual([
    '1 event',
    '0 events',
    '12,345 events',
  ])
  expect([size(0), size(1023), size(1024), size(10 * 1024), size(5 * 2 ** 30)]).toEqual([
    ...['0 B', '1023 B', '1.0 KiB', '10 KiB', '5.0 GiB'],
  ])
  expect([0.04, 9.9, 9.96, 999.4, 999.6, 12_345].map(duration)).toEqual([
    ...['0.0 ms', '9.9 ms', '10 ms', '999 ms', '1.00 s', '12.3 s'],
  ])
})

test('a hex dump shows offsets, bytes and text, line by line', () => {
  const dump = hexDump(Buffer.from('0123456789abcdef\u0000é'))
  expect(dump.split('\n')).toEqual([
    '000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  0123456789abcdef',
    '000010  00 c3 a9                                          ···',
  ])
})

test('bytes that are no UTF-8 are no text; a text that was cut in the middle of a character is one', () => {
  const bytes = Buffer.from('aé')
  expect([utf8(bytes, false), utf8(bytes.subarray(0, 2), true), utf8(bytes.subarray(0, 2), false)]).toEqual([
    ...['aé', 'a', undefined],
  ])
  expect([prettyJson('{"a":[1]}'), prettyJson('{"a"')]).toEqual(['{\n  "a": [\n    1\n  ]\n}', undefined])
})

test('a key always has the same hue, and similar keys have different ones', () => {
  const hues = Array.from({ length: 12 }, (_, index) => hue(`meter-${index + 1}`))
  expect(hues).toEqual(Array.from({ length: 12 }, (_, index) => hue(`meter-${index + 1}`)))
  expect(new Set(hues.map((one) => Math.floor(one / 30))).size).toBeGreaterThan(5)
})

test('a property typed by hand is the number or the truth that it says, and never another number', () => {
  expect(['7', '-1.5', 'true', '"7"', 'seven', '', 'null', '[1]'].map(scalar)).toEqual([
    ...[7, -1.5, true, '7', 'seven', '', 'null', '[1]'],
  ])
  expect(['9007199254740993', '1e999'].map(scalar)).toEqual(['9007199254740993', '1e999'])
})
