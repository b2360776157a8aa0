import { parseArgs } from 'node:util'
import { Random } from '../../fuzz/support/random.js'
import { interruptedSend } from './interrupted-send.js'

// `npm run send:million`: sends a million lines, kills the process half-way, and says what came of it.

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    records: { type: 'string', default: '1000000' },
    kills: { type: 'string', default: '3' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
})
const [program = '', folder = ''] = positionals
const seed = Number(values.seed)
const random = new Random(seed)
const partitionCount = 4
console.log(`Seed ${seed} (--seed), ${values.kills} kills (--kills), ${values.records} records (--records)`)

const result = await interruptedSend({
  program,
  folder,
  records: Number(values.records),
  kills: Number(values.kills),
  partitionCount,
  random: () => random.below(2 ** 30) / 2 ** 30,
  log: (line) => console.log(line),
  sampleMemoryInMs: 500,
})

console.log('\n  time in s  run  stored      resident set in MiB')
const everyNth = Math.max(1, Math.ceil(result.rssInMiB.length / 40))
for (const { atInMs, run, stored, rss } of result.rssInMiB.filter((_, i) => i % everyNth === 0)) {
  console.log(
    `  ${(atInMs / 1000).toFixed(1).padStart(9)}  ${String(run + 1).padStart(3)}  ${String(stored).padEnd(10)}  ${rss}`,
  )
}
// The first second of a run is its beginning.
const steady = result.rssInMiB.map(({ rss }) => rss)
const seconds = result.durationInMs / 1000
const bound = partitionCount * result.largestBatch
console.log(`
resident set         ${Math.min(...steady)} to ${Math.max(...steady)} MiB
time                 ${seconds.toFixed(1)} s, starts and kills included: ${Math.round(Number(values.records) / seconds)} records a second
missing              ${result.missing}
dead letters         ${result.missingDeadLetters} missing, ${result.wrongDeadLetters} wrong; totals of the ledger off by ${result.miscounted}
duplicates           ${result.duplicates}, of at most ${result.unconfirmed} that were in flight at the kills
in flight at a kill  at most ${result.mostUnconfirmed}; the bound is one batch for each partition: ${bound}
keys out of order    ${result.keysOutOfOrder}
exit code            ${result.exitCode}`)

const holds =
  result.missing + result.missingDeadLetters + result.wrongDeadLetters + result.miscounted === 0 &&
  result.duplicates <= result.unconfirmed &&
  result.mostUnconfirmed <= bound &&
  result.keysOutOfOrder === 0 &&
  (result.exitCode === 0 || result.exitCode === 3) &&
  Math.max(...steady) < 400
console.log(holds ? '\nAll of it holds.' : '\nIt does NOT hold.')
process.exitCode = holds ? 0 : 1
