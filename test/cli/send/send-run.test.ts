import { afterEach, beforeEach, expect, test } from 'vitest'
import { EventHubProducerClient } from '../../../core/index.js'
import { DeadLetterFile } from '../../../infra/cli/send/dead-letters.js'
import { NdjsonFormat } from '../../../infra/cli/send/format.js'
import { openFile } from '../../../infra/cli/send/input.js'
import type { Ledger } from '../../../infra/cli/send/ledger.js'
import { SendRun } from '../../../infra/cli/send/send-run.js'
import { startWorkbench, type Workbench } from './hub.js'

let bench: Workbench
beforeEach(async () => {
  bench = await startWorkbench()
})
afterEach(() => bench.remove())

const maxRecordSizeInBytes = 1_000_000
const noOptions = { keyOptional: false, sendsOwnContentType: true, properties: {}, propertyFields: {} }
const diskFull = () => {
  throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' })
}

/** A run with a ledger or a dead-letter file of one's own. */
async function runWith(content: string, own: { ledger?: Partial<Ledger>; deadLetters?: DeadLetterFile }) {
  const input = await openFile(await bench.write('a.ndjson', content), undefined)
  let run: SendRun | undefined
  const client = EventHubProducerClient.fromConnectionString(bench.hub.connectionString, {
    bufferedMode: true,
    onSuccess: (events) => run?.accepted(events),
    onError: (events, _partitionId, error) => run?.failed(events, error),
    maxBufferLength: 100,
  })
  const ledger = { append() {}, close() {}, abandon() {}, sync() {}, ...own.ledger } as unknown as Ledger
  run = new SendRun(
    {
      input,
      format: new NdjsonFormat(noOptions, maxRecordSizeInBytes),
      openLedger: () => ledger,
      before: undefined,
      deadLetters: own.deadLetters ?? new DeadLetterFile(bench.path('dead-letters')),
      maxRecordSizeInBytes,
      keepGoing: false,
      stopTimeoutInMs: 1000,
      flushEvery: undefined,
    },
    client,
  )
  const end = await run.run()
  await input.close()
  return { end, counts: run.counts }
}

test('a ledger that cannot be written any more ends the run at once: nothing is sent that nobody would know of', async () => {
  const { end, counts } = await runWith('1\n'.repeat(20_000), { ledger: { append: diskFull, close: diskFull } })
  expect(end).toMatchObject({ kind: 'failed', error: { code: 'ENOSPC' } })
  expect(counts.now.accepted).toBeLessThan(2000)
  expect(bench.bodies().length).toBeLessThan(2000)
})

test('a dead-letter file that cannot be written ends the run: the record is not counted as dealt with', async () => {
  const deadLetters = { path: '', count: 0, write: diskFull, close() {} } as unknown as DeadLetterFile
  const written: unknown[] = []
  const { end, counts } = await runWith('1\nno json\n2\n', {
    deadLetters,
    ledger: { close: (whole) => void written.push(whole) },
  })
  expect(end).toMatchObject({ kind: 'failed', error: { code: 'ENOSPC' } })
  expect(counts.now.refused).toBe(0)
  expect(written).not.toContainEqual(expect.objectContaining({ totals: expect.objectContaining({ refused: 1 }) }))
})
