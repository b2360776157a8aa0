import { randomBytes } from 'node:crypto'
import { appendFile, readdir, stat, utimes, writeFile } from 'node:fs/promises'
import { crc32, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Ledger } from '../../../infra/cli/send/ledger.js'
import { parseLines, startWorkbench, type Workbench } from './hub.js'

let bench: Workbench
beforeEach(async () => {
  bench = await startWorkbench()
})
afterEach(() => bench.remove())

const lines = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => `{"id":${from + i},"customer":{"id":"c${(from + i) % 3}"}}\n`).join(
    '',
  )

const wholeOf = (content: string) => ({ offset: content.length, checksum: crc32(content), isOpen: false })

describe('sluice send', () => {
  test('sends each line byte for byte, with key, id, type and properties as the options say', async () => {
    const file = await bench.write('orders.ndjson', '{ "id": 1, "to": "a" }\n{"id":2,"to":"b","urgent":true}\n')
    const options = ['--key', 'to', '--message-id', 'id', '--property', 'source=a=b', '--property-field', 'urgent']
    const { code, out, error } = await bench.send(file, ...options)
    expect([code, error]).toEqual([0, ''])
    expect(out).toMatch(/^Sent 2 records of .*orders\.ndjson to 127\.0\.0\.1\/events in /)
    const events = bench
      .events()
      .sort((a, b) => Number(a.properties['message-id']) - Number(b.properties['message-id']))
    expect(events.map(({ body }) => body.toString())).toEqual([
      '{ "id": 1, "to": "a" }',
      '{"id":2,"to":"b","urgent":true}',
    ])
    expect(events.map(({ partitionKey }) => partitionKey)).toEqual(['a', 'b'])
    expect(events.map(({ properties }) => properties['content-type'])).toEqual(['application/json', 'application/json'])
    expect(events.map(({ applicationProperties }) => applicationProperties)).toEqual([
      { source: 'a=b' },
      { source: 'a=b', urgent: true },
    ])
  })

  test('takes what editors and systems make of lines: CRLF, a byte order mark, blank lines, no newline at the end', async () => {
    const file = await bench.write('a.jsonl', '\ufeff1\r\n\r\n2\n   \n\n3')
    const { code, out } = await bench.send(file, '--json')
    expect(code).toBe(0)
    expect(bench.bodies().sort()).toEqual(['1', '2', '3'])
    expect(JSON.parse(out)).toMatchObject({ accepted: 3, skipped: 3, refused: 0, result: 'complete', exitCode: 0 })
  })

  test('lines of text are sent as they are, whatever their encoding', async () => {
    const file = await bench.write('a.log', Buffer.from([0x66, 0xff, 0x0a, 0x62, 0x20, 0x0a]))
    expect((await bench.send(file, '--content-type', 'text/plain')).code).toBe(0)
    const events = bench.events()
    expect(events.map(({ body }) => body.toString('latin1')).sort()).toEqual(['b ', 'f\u00ff'])
    expect(events.map(({ properties }) => properties['content-type'])).toEqual(['text/plain', 'text/plain'])
  })

  test('CSV: rows become objects by the names of the columns, or stay text', async () => {
    const file = await bench.write('a.csv', 'id;"the name"\r\n1;"a ""b""\nc"\r\n2;\u00e4\r\n')
    expect((await bench.send(file, '--delimiter', ';', '--key-column', 'the name')).code).toBe(0)
    expect(bench.bodies().map((body) => JSON.parse(body))).toEqual(
      expect.arrayContaining([
        { id: '1', 'the name': 'a "b"\nc' },
        { id: '2', 'the name': '\u00e4' },
      ]),
    )
    expect(
      bench
        .events()
        .map(({ partitionKey }) => partitionKey)
        .sort(),
    ).toEqual(['a "b"\nc', '\u00e4'])
    const wrong = await bench.write('wrong.csv', 'secret,secret\n')
    for (const options of [[], ['--key', 'id'], ['--delimiter', ';', '--key', 'id']]) {
      const { code, error } = await bench.send(wrong, ...options)
      if (options.length < 4) expect([code, error]).toEqual([2, expect.stringMatching(/^sluice: Columns 1 and 2 have/)])
      else
        expect([code, error]).toEqual([2, expect.stringMatching(/^sluice: There is no column 'id' in the first row/)])
      expect(error).not.toContain('secret')
    }
    const raw = await bench.write('raw.csv', '1,x\n2,"y"\n')
    expect((await bench.send(raw, '--columns', 'id,name', '--key', 'name', '--csv-raw')).code).toBe(0)
    expect(bench.bodies()).toEqual(expect.arrayContaining(['1,x', '2,"y"']))
  })

  test('reads gzip, from a file or standard input, without being told', async () => {
    const file = await bench.write('a.ndjson.gz', gzipSync(lines(1, 100)))
    expect((await bench.send(file)).code).toBe(0)
    expect((await bench.send('-', '--format', 'ndjson', { stdin: gzipSync(lines(101, 150)) })).code).toBe(0)
    expect(bench.bodies().sort()).toEqual(lines(1, 150).trim().split('\n').sort())
    const broken = await bench.write('b.ndjson.gz', gzipSync(lines(1, 2000)).subarray(0, -200))
    const { code, error } = await bench.send(broken, '--quiet')
    expect(code).toBe(1)
    expect(error).toMatch(/^sluice: '.*b\.ndjson\.gz' is damaged or cut off/)
    // What came before is sent, once.
    const sent = bench.bodies().length
    expect(sent).toBeGreaterThan(1000)
    expect((await bench.send(broken, '--quiet')).code).toBe(1)
    expect(bench.bodies()).toHaveLength(sent)
  })

  test('of gzip that is cut off, sends all that can be unpacked', async () => {
    const texts = Array.from({ length: 40 }, (_, i) => `${i}:${randomBytes(20_000).toString('hex')}`)
    const packed = texts.map((text) => gzipSync(`${text}\n`))
    const file = await bench.write('a.log.gz', Buffer.concat(packed).subarray(0, -30_000))
    const { code, error } = await bench.send(file)
    expect([code, error]).toEqual([1, expect.stringContaining('is damaged or cut off')])
    const numbers = bench.bodies().map((body) => Number(body.split(':')[0]))
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 38 }, (_, i) => i))
  })

  test('over HTTPS, in batches', async () => {
    let requests = 0
    await bench.remove()
    bench = await startWorkbench({
      onHttpRequest: () => {
        requests++
        return false
      },
    })
    const file = await bench.write('a.ndjson', lines(1, 3000))
    const { hub } = bench
    const env = { EVENTHUB_CONNECTION_STRING: hub.connectionString.replace(`:${hub.amqpPort};`, `:${hub.httpPort};`) }
    expect((await bench.send(file, '--transport', 'https', { env })).code).toBe(0)
    expect(requests).toBeLessThan(10)
    const keyed = await bench.send(file, '--transport', 'https', '--key', 'customer.id', '--restart', { env })
    expect(keyed.code).toBe(0)
    expect(requests).toBeLessThan(20)
    expect(new Set(bench.bodies()).size).toBe(3000)
    expect(bench.bodies()).toHaveLength(6000)
  })

  test('to one partition, and with idempotent retries', async () => {
    const file = await bench.write('a.ndjson', lines(1, 20))
    expect((await bench.send(file, '--partition', '1', '--idempotent')).code).toBe(0)
    expect(new Set(bench.events().map(({ partitionId }) => partitionId))).toEqual(new Set(['1']))
    const { code, error } = await bench.send(file, '--partition', '7', '--restart')
    expect([code, error]).toEqual([2, "sluice: 127.0.0.1/events has no partition '7'. It has: 0, 1.\n"])
    const https = await bench.send(file, '--idempotent', '--transport', 'https')
    expect([https.code, https.error]).toEqual([2, expect.stringContaining('enableIdempotentRetries cannot be used')])
  })
})

describe('what cannot be sent', () => {
  test('is dead-lettered with its number, its reason and its content, and the rest is sent', async () => {
    const content = Buffer.concat([
      Buffer.from('{"to":"a"}\n{"to": oops}\n{"id":1}\n'),
      Buffer.from([0x22, 0xff, 0x22, 0x0a]),
      Buffer.from(`"${'x'.repeat(300)}"\n{"to":"b"}\n`),
    ])
    const file = await bench.write('a.ndjson', content)
    const { code, out } = await bench.send(file, '--key', 'to', '--max-record-size', '200')
    expect(code).toBe(3)
    expect(out).toContain('4 were refused. What and why is in ')
    expect(bench.bodies().sort()).toEqual(['{"to":"a"}', '{"to":"b"}'])
    expect(await bench.readLines('a.ndjson.dead-letter.ndjson')).toEqual([
      { record: 2, code: 'invalid-json', reason: 'It is not JSON.', sizeInBytes: 12, data: '{"to": oops}' },
      { record: 3, code: 'no-key', reason: expect.any(String), sizeInBytes: 8, data: '{"id":1}' },
      { record: 4, code: 'invalid-utf8', reason: expect.any(String), sizeInBytes: 3, dataBase64: 'Iv8i' },
      { record: 5, code: 'record-too-long', reason: expect.any(String), sizeInBytes: 302, data: expect.any(String) },
    ])
    expect((await stat(bench.path('a.ndjson.dead-letter.ndjson'))).mode & 0o777).toBe(0o600)
    expect((await bench.send(file, '--key', 'to', '--max-record-size', '200')).code).toBe(0)
    expect(await bench.readLines('a.ndjson.dead-letter.ndjson')).toHaveLength(4)
    const keyless = await bench.write('b.ndjson', '{"id":1}\n')
    expect((await bench.send(keyless, '--key', 'to', '--key-optional')).code).toBe(0)
  })

  test('a number that cannot be read exactly is no key, id or property: another record may have the next one', async () => {
    const content =
      '{"id":9007199254740993}\n{"id":9007199254740992}\n{"id":"9007199254740993"}\n{"id":-7}\n{"id":1.5}\n'
    const file = await bench.write('a.ndjson', content)
    for (const options of [
      ['--message-id', 'id'],
      ['--key', 'id', '--key-optional'],
      ['--property-field', 'id'],
    ]) {
      const { code } = await bench.send(file, ...options, '--restart', '--dead-letter', bench.path(`d${options[0]}`))
      expect(code).toBe(3)
      expect(await bench.readLines(`d${options[0]}`)).toMatchObject([
        { record: 1, code: 'inexact-number' },
        { record: 2, code: 'inexact-number' },
      ])
    }
    const ids = bench.events().map(({ properties }) => properties['message-id'])
    expect(ids.filter(Boolean).sort()).toEqual(['-7', '1.5', '9007199254740993'])
  })

  test('what a killed run has refused, the exit code of the next tells, once', async () => {
    const content = '1\n{bad\n2\n'
    const file = await bench.write('a.ndjson', content)
    Ledger.open(
      `${file}.sluice-ledger`,
      { target: '127.0.0.1/events', format: 'ndjson' },
      {
        totals: { accepted: 1, refused: 1, skipped: 0 },
        settled: [[1, 3]],
        reach: { ...wholeOf(content), records: 3 },
      },
    )
    const { code, out } = await bench.send(file)
    expect([code, out]).toEqual([3, expect.stringContaining('1 was refused by an earlier run that was interrupted')])
    const again = await bench.send(file)
    expect([again.code, again.out]).toEqual([
      0,
      expect.stringContaining('2 records were sent to 127.0.0.1/events, 1 was refused'),
    ])
  })

  test('an event that the event hub finds too large is dead-lettered whole, and its neighbours are sent', async () => {
    await bench.remove()
    bench = await startWorkbench({ maxMessageSizeInBytes: 10_000 })
    const large = JSON.stringify('x'.repeat(20_000))
    const file = await bench.write('a.ndjson', `${lines(1, 50)}${large}\n${lines(51, 100)}`)
    expect((await bench.send(file)).code).toBe(3)
    expect(bench.bodies()).toHaveLength(100)
    expect(await bench.readLines('a.ndjson.dead-letter.ndjson')).toEqual([
      { record: 51, code: 'event-too-large', reason: expect.any(String), sizeInBytes: 20_002, data: large },
    ])
  })

  test('events that are too large are dead letters from the first sound record on, however large they are', async () => {
    const large = `"${'x'.repeat(9_000_000)}"\n`
    const file = await bench.write('a.ndjson', `1\n${large.repeat(3)}2\n`)
    expect((await bench.send(file)).code).toBe(3)
    expect(bench.bodies().sort()).toEqual(['1', '2'])
    expect(await bench.readLines('a.ndjson.dead-letter.ndjson')).toMatchObject([
      { record: 2 },
      { record: 3 },
      { record: 4 },
    ])
  })

  test('broken rows of CSV cost no other row', async () => {
    const file = await bench.write('a.csv', 'id,name\n1,a\n2\n3,"b"x\n4,c\n5,"d"\n')
    expect((await bench.send(file)).code).toBe(3)
    expect(
      bench
        .bodies()
        .map((body) => JSON.parse(body).id)
        .sort(),
    ).toEqual(['1', '4', '5'])
    expect(await bench.readLines('a.csv.dead-letter.ndjson')).toMatchObject([
      { record: 3, code: 'wrong-number-of-fields', data: '2' },
      { record: 4, code: 'invalid-csv', data: '3,"b"x' },
    ])
  })

  test('nothing right at all is a wrong option, not a hundred dead letters', async () => {
    const file = await bench.write('a.txt', 'no json\n'.repeat(5000))
    const { code, out, error } = await bench.send(file, '--format', 'ndjson')
    expect(code).toBe(1)
    expect(error).toMatch(/^sluice: Every record so far was refused, .* Record 1: It is not JSON\. .*--keep-going\.\n$/)
    expect(out).not.toContain('dead-letter')
    // Nor is there a ledger, which would be in the way of the right option.
    expect(await readdir(bench.folder)).toEqual(['a.txt'])
    expect((await bench.send(file, '--format', 'ndjson', '--keep-going')).code).toBe(3)
    expect(await bench.readLines('a.txt.dead-letter.ndjson')).toHaveLength(5000)
  })

  test('a wrong key stops at once: nothing is dead-lettered, nothing is written, and the client says why', async () => {
    const file = await bench.write('a.ndjson', lines(1, 5000))
    const env = {
      EVENTHUB_CONNECTION_STRING: bench.hub.connectionString.replace(/AccessKey=[^;]*/, 'AccessKey=d3Jvbmc='),
    }
    const { code, out, error } = await bench.send(file, { env })
    expect([code, out]).toEqual([1, ''])
    expect(error).toMatch(/^sluice: /)
    expect(error).not.toMatch(/d3Jvbmc=|\n./)
    expect(await readdir(bench.folder)).toEqual(['a.ndjson'])
  })

  test('a hub that stops listening to us half-way stops the run, and the next one goes on', async () => {
    const file = await bench.write('a.ndjson', lines(1, 3000))
    bench.hub.faults.rejectNext({ condition: 'com.microsoft:entity-disabled' })
    const { code, out, error } = await bench.send(file)
    expect(code).toBe(1)
    expect(out).toContain('Once that is mended, the same command goes on from here.')
    expect(error).toMatch(/^sluice: .+\n$/)
    expect(await readdir(bench.folder)).not.toContain('a.ndjson.dead-letter.ndjson')
    expect((await bench.send(file)).code).toBe(0)
    expect(new Set(bench.bodies()).size).toBe(3000)
  })
})

test('what the event hub forbids to all makes no dead letters of what was sound', async () => {
  const running = bench.startSend('-', '--format', 'ndjson', '--dead-letter', bench.path('dead'))
  running.stdin.write(lines(1, 10))
  await expect.poll(() => bench.bodies().length).toBe(10)
  bench.hub.faults.rejectNext({ condition: 'amqp:not-allowed' })
  running.stdin.end(lines(11, 20))
  expect(await running.done).toBe(1)
  expect(running.stdout.text).toContain('10 were read and not sent')
  expect(await readdir(bench.folder)).toEqual([])
})

describe('going on', () => {
  test('sends what was added to a file, and nothing twice', async () => {
    const file = await bench.write('a.ndjson', lines(1, 100))
    expect((await bench.send(file)).code).toBe(0)
    const again = await bench.send(file)
    expect([again.code, again.out]).toEqual([
      0,
      expect.stringContaining('was sent to 127.0.0.1/events already (100 records)'),
    ])
    await appendFile(file, lines(101, 130))
    expect((await bench.send(file)).out).toContain('Sent 30 records')
    expect(bench.bodies()).toHaveLength(130)
  })

  test('a last line without a newline is whole; what is added has to begin with one', async () => {
    const file = await bench.write('a.ndjson', '1\n2')
    expect((await bench.send(file)).code).toBe(0)
    await appendFile(file, '3\n')
    const { code, error } = await bench.send(file)
    expect(code).toBe(2)
    expect(error).toMatch(/has changed since the earlier run: its last record.*--restart/)
    await writeFile(file, '1\n2\r\n{bad\n3')
    expect((await bench.send(file)).code).toBe(3)
    expect(bench.bodies().sort()).toEqual(['1', '2', '3'])
    expect(await bench.readLines('a.ndjson.dead-letter.ndjson')).toMatchObject([{ record: 3 }])
  })

  test('a last line that is being written is left until it is whole', async () => {
    const file = await bench.write('a.ndjson', '{"id":1}\n{"id":')
    const { code, out } = await bench.send(file)
    expect([code, out]).toEqual([4, expect.stringContaining('it was left for the next run')])
    const again = await bench.send(file, '--json')
    expect([again.code, JSON.parse(again.out)]).toMatchObject([4, { accepted: 0, isLastUnfinished: true }])
    await appendFile(file, '2}\n{"id":3}')
    expect((await bench.send(file)).code).toBe(0)
    expect(bench.bodies().sort()).toEqual(['{"id":1}', '{"id":2}', '{"id":3}'])
    // A stream without a ledger has no next run.
    expect(
      (await bench.send('-', '--format', 'ndjson', '--dead-letter', bench.path('d'), { stdin: '1\n{' })).code,
    ).toBe(3)
  })

  test.each([
    ['a byte before the watermark', (content: string) => content.replace('"id":7,', '"id":8,'), /its beginning is not/],
    ['its length', () => lines(1, 99), /it has \d+ bytes, and \d+ were sent/],
  ])('a file that has changed in %s is refused', async (_what, change, sentence) => {
    const file = await bench.write('a.ndjson', lines(1, 100))
    expect((await bench.send(file)).code).toBe(0)
    await writeFile(file, change(lines(1, 100)))
    const { code, error } = await bench.send(file)
    expect(code).toBe(2)
    expect(error).toMatch(sentence)
    expect(error).toContain('--restart')
    expect(bench.bodies()).toHaveLength(100)
    expect((await bench.send(file, '--restart')).code).toBe(0)
  })

  test('a file that was not touched is not read again: the run seeks', async () => {
    const file = await bench.write('a.ndjson', `${lines(1, 100)}{"half`)
    const then = new Date(1_700_000_000_000)
    await utimes(file, then, then)
    expect((await bench.send(file)).code).toBe(4)
    // Nobody can do this by mistake: content that changes, with size, inode and time as they were.
    await writeFile(file, `${lines(1, 100).replace('"id":7,', '"id":8,')}{"half`)
    await utimes(file, then, then)
    expect((await bench.send(file)).code).toBe(4)
    await utimes(file, then, new Date(1_700_000_001_000))
    expect((await bench.send(file)).code).toBe(2)
  })

  test('another event hub or format is another job', async () => {
    const file = await bench.write('a.ndjson', lines(1, 10))
    expect((await bench.send(file)).code).toBe(0)
    const { code, error } = await bench.send(file, '--format', 'lines')
    expect(code).toBe(2)
    expect(error).toContain('was begun with the format ndjson, not lines')
    expect((await bench.send(file, '--no-ledger')).code).toBe(0)
    expect(bench.bodies()).toHaveLength(20)
  })

  test('standard input: a stream that comes again is gone on with, where --ledger says so', async () => {
    const ledger = bench.path('stream.ledger')
    const args = ['-', '--format', 'ndjson', '--ledger', ledger]
    expect((await bench.send(...args, { stdin: lines(1, 50) })).code).toBe(0)
    const second = await bench.send(...args, '--json', { stdin: lines(1, 80) })
    expect(JSON.parse(second.out)).toMatchObject({ accepted: 30, settledBefore: 50 })
    const other = await bench.send(...args, { stdin: lines(2, 90) })
    expect([other.code, other.error]).toEqual([2, expect.stringContaining("'standard input' has changed")])
    const shorter = await bench.send(...args, { stdin: lines(1, 3) })
    expect([shorter.code, shorter.error]).toEqual([2, expect.stringContaining("'standard input' has changed")])
    expect(bench.bodies()).toHaveLength(80)
  })

  test('CSV and gzip go on where they were, with the columns of the first row', async () => {
    const rows = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, i) => `${from + i},"x\ny"\n`).join('')
    const file = await bench.write('a.csv', `id,text\n${rows(1, 40)}`)
    expect((await bench.send(file)).code).toBe(0)
    await appendFile(file, rows(41, 60))
    expect((await bench.send(file)).code).toBe(0)
    const packed = await bench.write('b.csv.gz', gzipSync(`id,text\n${rows(61, 70)}`))
    expect((await bench.send(packed)).code).toBe(0)
    await writeFile(packed, gzipSync(`id,text\n${rows(61, 90)}`))
    expect((await bench.send(packed)).code).toBe(0)
    const ids = bench.bodies().map((body) => Number(JSON.parse(body).id))
    expect(ids.sort((a, b) => a - b)).toEqual(Array.from({ length: 90 }, (_, i) => i + 1))
  })

  test('two at once: the second is told of the first', async () => {
    const file = await bench.write('a.ndjson', lines(1, 10))
    bench.hub.faults.latencyInMs = 50
    const first = bench.startSend(file)
    await expect.poll(() => readdir(bench.folder)).toContain('a.ndjson.sluice-ledger.lock')
    const second = await bench.send(file)
    expect([second.code, second.error]).toEqual([2, expect.stringContaining('is sending with this ledger')])
    expect(await first.done).toBe(0)
    expect(await readdir(bench.folder)).toEqual(['a.ndjson', 'a.ndjson.sluice-ledger'])
  })
})

describe('faults of the event hub', () => {
  test('connections that drop and acknowledgements that are lost cost duplicates at most', async () => {
    const file = await bench.write('a.ndjson', lines(1, 4000))
    bench.hub.faults.detachNext({ condition: 'amqp:link:detach-forced', afterStoring: true, count: 2 })
    const running = bench.startSend(file)
    await expect.poll(() => bench.bodies().length).toBeGreaterThan(0)
    bench.hub.faults.destroyConnections()
    expect(await running.done).toBe(0)
    expect(new Set(bench.bodies()).size).toBe(4000)
  })

  test('Ctrl+C: what is under way is finished, and the next run sends exactly the rest', async () => {
    const running = bench.startSend('-', '--format', 'ndjson', '--ledger', bench.path('ledger'))
    running.stdin.write(lines(1, 500))
    running.stdin.write('{"id":501')
    await expect.poll(() => bench.bodies().length).toBe(500)
    running.signal('SIGINT')
    expect(await running.done).toBe(130)
    expect(running.stderr.text).toContain('Press Ctrl+C again to stop at once.')
    expect(running.stdout.text).toContain('Interrupted. Resume by running the same command again.')
    const rest = await bench.send('-', '--format', 'ndjson', '--ledger', bench.path('ledger'), { stdin: lines(1, 600) })
    expect(rest.code).toBe(0)
    expect(bench.bodies()).toHaveLength(600)
    expect(new Set(bench.bodies()).size).toBe(600)
  })

  test.each([[], ['--ledger', 'l']])('Ctrl+C while nothing has come yet ends it at once (%j)', async (...options) => {
    const args = options.map((option) => (option === 'l' ? bench.path('l') : option))
    const running = bench.startSend('-', '--format', 'ndjson', '--json', ...args)
    await new Promise(setImmediate)
    running.signal('SIGTERM')
    expect(await running.done).toBe(143)
    expect(JSON.parse(running.stdout.text)).toMatchObject({ result: 'interrupted', exitCode: 143, accepted: 0 })
    expect(await readdir(bench.folder)).toEqual([])
  })

  test('what kept a run from beginning is told to programs, too', async () => {
    const file = await bench.write('a.ndjson', lines(1, 10))
    await bench.hub.close()
    const { code, out } = await bench.send(file, '--connect-timeout', '1', '--json')
    expect(code).toBe(4)
    expect(JSON.parse(out)).toMatchObject({
      result: 'failed',
      exitCode: 4,
      accepted: 0,
      error: { message: expect.any(String) },
    })
  })

  test('the words of the event hub, and of a file, act on no terminal', async () => {
    const evil = '\u001b]0;x\u0007\u009b2J\u202e'
    const file = await bench.write(`a${evil}.ndjson`, lines(1, 10))
    const results = []
    for (const options of [[], ['--verbose'], ['--json']]) {
      bench.hub.faults.rejectNext({ condition: 'com.microsoft:entity-disabled', description: `closed ${evil}` })
      results.push(await bench.send(file, '--restart', ...options))
    }
    results.push(await bench.send(file, '--partition', evil))
    for (const { code, out, error } of results) {
      expect([1, 2]).toContain(code)
      expect(error).toContain('\\x1b]0;x')
      expect((out + error).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u)
    }
    expect(JSON.parse(results[2]?.out ?? '')).toMatchObject({ file, error: { message: expect.stringContaining(evil) } })
  })

  test('a run that was to forget the ledger is gone on with without that', async () => {
    const file = await bench.write('a.ndjson', lines(1, 3000))
    bench.hub.faults.rejectNext({ condition: 'com.microsoft:entity-disabled' })
    const { code, out } = await bench.send(file, '--restart')
    expect([code, out]).toEqual([1, expect.stringContaining('the same command, without --restart, goes on from here.')])
  })

  test('Ctrl+C twice ends at once, with the lock given back', async () => {
    const file = await bench.write('a.ndjson', lines(1, 100))
    bench.hub.faults.silence = true
    const running = bench.startSend(file)
    await expect.poll(() => readdir(bench.folder)).toContain('a.ndjson.sluice-ledger.lock')
    running.signal('SIGTERM')
    running.signal('SIGINT')
    expect(running.exits).toEqual([130])
    expect(await readdir(bench.folder)).not.toContain('a.ndjson.sluice-ledger.lock')
    expect(await running.done).toBe(143)
  })
})

describe('what is told on the way', () => {
  async function halfWay(...args: string[]) {
    await bench.remove()
    bench = await startWorkbench()
    const file = await bench.write('a.ndjson', lines(1, 2000))
    let now = 1000
    // Stored, and not yet acknowledged.
    bench.hub.faults.latencyInMs = 40
    const running = bench.startSend(file, ...args, { isTTY: args[0] === '--hub', now: () => now })
    await expect.poll(() => bench.bodies().length, { interval: 5 }).toBe(2000)
    now += 2000
    running.tick()
    expect(await running.done).toBe(0)
    return running
  }

  test('a clock that is set back in between costs the rate, and nothing else', async () => {
    const file = await bench.write('a.ndjson', lines(1, 100))
    let now = 1_000_000
    bench.hub.faults.latencyInMs = 40
    const running = bench.startSend(file, '--json', { now: () => now })
    await expect.poll(() => bench.bodies().length, { interval: 5 }).toBe(100)
    now -= 500_000
    running.tick()
    expect(await running.done).toBe(0)
    expect(parseLines(running.stdout.text).at(-1)).toMatchObject({ durationInMs: 0 })
  })

  test('on a terminal a bar, which is gone in the end', async () => {
    const { stderr } = await halfWay('--hub', 'events')
    expect(stderr.text).toMatch(
      /^\ra\.ndjson \[[#-]{6,24}\] \d+ % {2}[\d,]+ sent, [\d,]+\/s, [\d.]+ k?B\/s(, [\d.]+ s left)?/,
    )
    expect(stderr.text.endsWith('\r\u001b[K')).toBe(true)
  })

  test('elsewhere a line now and then; JSON lines for programs; nothing when quiet', async () => {
    expect((await halfWay()).stderr.text).toMatch(/^a\.ndjson: \d+ %, [\d,]+ sent, [\d,]+\/s/)
    const json = await halfWay('--json', '--restart')
    expect(parseLines(json.stdout.text)).toMatchObject([{ type: 'progress', totalBytes: 68_893 }, { type: 'summary' }])
    expect(json.stderr.text).toBe('')
    const quiet = await halfWay('--quiet', '--restart')
    expect(quiet.stdout.text + quiet.stderr.text).toBe('')
  })
})

test.each([
  [['a.bin'], /^What is in it\? Add --format/],
  [['a.ndjson', '--format', 'jsonl'], /'jsonl' is invalid\. Allowed choices are ndjson, csv, lines, events\./],
  [['a.log', '--key', 'id'], /^Lines of text have no fields/],
  [['a.ndjson', '--key', 'id', '--partition', '1'], /Keep one of them\.$/],
  [['a.ndjson', '--key', 'id', '--key-column', 'id'], /mean the same/],
  [['a.ndjson', '--key-optional'], /--key FIELD, which is missing/],
  [['a.ndjson', '--csv-raw'], /^--csv-raw is for CSV, and this is ndjson/],
  [['a.csv', '--delimiter', ';;'], /must be one ASCII character/],
  [['a.csv', '--columns', 'a,b', '--key', 'c'], /^There is no column 'c' in --columns\. /],
  [['a.csv', '--columns', 'a,a'], /^Columns 1 and 2 have the same name\./],
  [['a.ndjson', '--property', 'name'], /^--property needs NAME=VALUE\.$/],
  [['missing'], /missing' does not exist\. Check the path\.$/],
  [[], /^Missing required argument 'file'/],
  [['a.ndjson', 'b.ndjson'], /^Too many arguments for 'send'/],
])('%j is refused in a sentence, before anything is sent', async (args, sentence) => {
  const [file, ...options] = args
  const there = file === undefined || file === 'missing' ? [] : [file]
  for (const name of there) await bench.write(name, '{}\n')
  const { code, error } = await bench.send(...(file === undefined ? [] : [bench.path(file)]), ...options)
  expect(error.replace(/^sluice: /, '').trimEnd()).toMatch(sentence)
  expect(error.trimEnd()).not.toContain('\n')
  expect([code, await readdir(bench.folder)]).toEqual([/does not exist/.test(error) ? 1 : 2, there])
})

test('where nothing listens, or nothing can be written, it says so and what to do', async () => {
  const file = await bench.write('a.ndjson', lines(1, 10))
  const wrong = bench.path('no-such-folder/ledger')
  const { code, error } = await bench.send(file, '--ledger', wrong)
  expect([code, error]).toEqual([
    1,
    expect.stringMatching(/^sluice: The ledger cannot be written in .* \(ENOENT\)\. .*--no-ledger\.\n$/),
  ])
  await bench.hub.close()
  const running = bench.startSend(file, '--connect-timeout', '1')
  expect(await running.done).toBe(4)
  expect(running.stderr.text).toMatch(/^sluice: .+\n$/)
  expect(await readdir(bench.folder)).toEqual(['a.ndjson'])
})
