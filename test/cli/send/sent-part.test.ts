import { spawnSync } from 'node:child_process'
import { appendFile, readFile, truncate, writeFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DeadLetterFile } from '../../../infra/cli/send/dead-letters.js'
import { openFile, openStream } from '../../../infra/cli/send/input.js'
import { Ledger } from '../../../infra/cli/send/ledger.js'
import type { LedgerState } from '../../../infra/cli/send/ledger-format.js'
import { start } from '../../../infra/cli/send/position.js'
import { Settlement } from '../../../infra/cli/send/settlement.js'
import { RecordSplitter } from '../../../infra/cli/send/splitter.js'
import { startWorkbench, type Workbench } from './hub.js'

let bench: Workbench
beforeEach(async () => {
  bench = await startWorkbench()
})
afterEach(() => bench.remove())

const subject = { target: '127.0.0.1/events', format: 'ndjson' }

/** A run that was killed when only these records of a file were accepted: the watermark has not moved. */
async function killedAfter(name: string, accepted: readonly number[]): Promise<LedgerState> {
  const path = bench.path(`${name}.sluice-ledger`)
  const input = await openFile(bench.path(name), undefined)
  const settlement = new Settlement({
    input,
    format: { columns: undefined },
    openLedger: (whole) => Ledger.open(path, subject, whole),
    before: undefined,
    deadLetters: new DeadLetterFile(bench.path('dead-letters')),
    keepGoing: false,
  })
  const splitter = new RecordSplitter({ maxRecordSizeInBytes: 1000 })
  for await (const chunk of input.chunks) {
    const block = splitter.push(chunk)
    if (block) settlement.read(block.end)
  }
  const last = splitter.finish()
  if (last) settlement.read(last.end)
  for (const number of accepted) settlement.accept([number])
  await input.close()
  const state = Ledger.read(path, subject)
  if (state === undefined) throw new Error('There is no ledger.')
  return state
}

async function readAll(input: { readonly chunks: AsyncIterable<Buffer> }): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of input.chunks) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

describe('records that were accepted ahead of others, when the run was killed', () => {
  test('are not sent again, and the others are', async () => {
    const file = await bench.write('a.ndjson', '1\n2\n3\n4\n')
    await killedAfter('a.ndjson', [2, 3])
    await appendFile(file, '5\n')
    expect((await bench.send(file)).code).toBe(0)
    expect(bench.bodies().sort()).toEqual(['1', '4', '5'])
  })

  test('are not those of a file that has taken the place of theirs: it is refused, and nothing of it is lost', async () => {
    const file = await bench.write('a.ndjson', '1\n2\n3\n4\n')
    await killedAfter('a.ndjson', [2, 3])
    await writeFile(file, '6\n7\n8\n9\n10\n')
    const { code, error } = await bench.send(file)
    expect([code, error]).toEqual([2, expect.stringContaining('its beginning is not what was sent')])
    await writeFile(file, '1\n')
    expect((await bench.send(file)).error).toContain('it has 2 bytes, and 8 were sent')
    expect(bench.bodies()).toEqual([])
  })

  test('are told from those of another stream, or of other compressed content', async () => {
    await bench.write('a.ndjson', '1\n2\n3\n4\n')
    const before = await killedAfter('a.ndjson', [2, 3])
    const read = async (content: string) => {
      const stream = await readAll(await openStream(Readable.from([Buffer.from(content)]), 'it', before))
      const packed = await bench.write('a.gz', gzipSync(content))
      expect(await readAll(await openFile(packed, before))).toBe(stream)
      return stream
    }
    expect(await read('1\n2\n3\n4\n5\n')).toBe('1\n2\n3\n4\n5\n')
    await expect(read('0\n2\n3\n4\n5\n')).rejects.toThrow('its beginning is not what was sent')
    await expect(read('1\n2\n')).rejects.toThrow('it has 4 bytes, and 8 were sent')
  })

  test('are not the beginning of a longer line, where the last had no newline', async () => {
    const file = await bench.write('a.ndjson', '1\n2\n3')
    const before = await killedAfter('a.ndjson', [3])
    const stream = (rest: string) =>
      openStream(Readable.from([Buffer.from('1\n2\n3'), Buffer.from(rest)]), 'it', before)
    await expect(stream('4\n').then(readAll)).rejects.toThrow('only whole lines may be added')
    expect(await readAll(await stream('\r\n4'))).toBe('1\n2\n3\r\n4')
    await appendFile(file, '4\n')
    expect((await bench.send(file)).error).toContain('only whole lines may be added')
    await writeFile(file, '1\n2\n3\n4\n')
    expect((await bench.send(file)).code).toBe(0)
    expect(bench.bodies().sort()).toEqual(['1', '2', '4'])
  })
})

test('a file that is cut while it is read is no whole file, and half a line of it no line', async () => {
  const file = await bench.write('a.log', 'a line\n'.repeat(100_000))
  const input = await openFile(file, undefined)
  const reading = (async () => {
    let size = 0
    for await (const chunk of input.chunks) {
      size += chunk.length
      await truncate(file, 10)
    }
    return size
  })()
  await expect(reading).rejects.toThrow(/has become shorter while it was read: it has 10 bytes/)
  await input.close()
  expect(await readFile(file, 'utf8')).toBe('a line\na l')
})

test('a FIFO that nobody writes to holds up nothing else of the process, and is read once somebody does', async () => {
  // More than there are threads for files.
  const paths = Array.from({ length: 6 }, (_, i) => bench.path(`pipe${i}`))
  spawnSync('mkfifo', paths)
  const inputs = paths.map((path) => openFile(path, undefined))
  const file = await bench.write('a', '1')
  expect(await readFile(file, 'utf8')).toBe('1')
  await Promise.all(paths.map((path) => appendFile(path, 'line\n')))
  for (const input of await Promise.all(inputs)) {
    expect(await readAll(input)).toBe('line\n')
    await input.close()
  }
})

test('what was refused is safe from a power cut before the ledger says so', async () => {
  const said: string[] = []
  let isSyncing = false
  const ledger = {
    append: () => said.push('append'),
    sync: () => said.push('sync ledger'),
    close: () => said.push('close ledger'),
    get isSyncing() {
      return isSyncing
    },
  } as unknown as Ledger
  const deadLetters = {
    write: () => said.push('write'),
    sync: () => said.push('sync'),
  } as unknown as DeadLetterFile
  const settlement = new Settlement({
    input: { from: start, file: undefined },
    format: { columns: undefined },
    openLedger: () => {
      said.push('open ledger')
      return ledger
    },
    before: undefined,
    deadLetters,
    keepGoing: true,
  })
  const raw = { number: 1, bytes: Buffer.from('x'), sizeInBytes: 1 }
  const refuse = () => settlement.refuse({ raw, refusal: { code: 'invalid-json', reason: 'It is not JSON.' } }, true)
  refuse()
  refuse()
  settlement.sync()
  isSyncing = true
  refuse()
  settlement.close()
  expect(said).toEqual([
    ...['write', 'sync', 'open ledger'],
    ...['write', 'append'],
    ...['sync', 'sync ledger'],
    ...['write', 'sync', 'append'],
    ...['sync', 'sync', 'close ledger'],
  ])
})
