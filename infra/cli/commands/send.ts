import { Option } from 'commander'
import { type AddCommand, runsWith } from '../context.js'
import { send } from '../send/send.js'
import type { SendCommandOptions } from '../send/send-options.js'
import { addTargetOptions, targetHelp } from '../target.js'
import { collected, wholeNumber } from '../values.js'

/** As much as the largest tier takes; the event hub says itself what it takes. */
const largestEventInBytes = 20 * 1024 * 1024

/** Adds `sluice send`. */
export const addSendCommand: AddCommand = (program, context) => {
  const command = program
    .command('send')
    .argument('<file>', 'NDJSON, CSV or lines of text, also gzipped; - is standard input')
    .description('Send each record of a file as an event, and be able to go on after any interruption.')
    .addOption(
      new Option('--format <name>', 'default: by the name, .ndjson, .jsonl, .csv, .txt or .log').choices([
        'ndjson',
        'csv',
        'lines',
        'events',
      ]),
    )
    .option('--key <field>', 'the field, or column, with the partition key; a.b leads into objects')
    .option('--key-column <name>', 'the same')
    .option('--key-optional', 'send records without a key, in place of refusing them')
    .option('--partition <id>', 'send all to this partition')
    .option('--message-id <field>', 'the field with the message id')
    .option('--property <name=value>', 'an application property of all events; may be given several times', collected())
    .option('--property-field <name=field>', 'one from a field; may be given several times', collected())
    .option('--content-type <type>', 'default: application/json for NDJSON and CSV, none for lines and over https')
    .option('--delimiter <character>', 'between the fields of CSV; or tab', ',')
    .option('--columns <names>', 'a,b,c: for CSV whose first row does not name its columns')
    .option('--csv-raw', 'send the text of each row, in place of a JSON object')
    .option('--max-record-size <bytes>', 'longer records are refused unread', wholeNumber(1), largestEventInBytes)
    .option('--ledger <path>', 'what was accepted, to go on from (default: FILE.sluice-ledger)')
    .option('--no-ledger', 'keep none: each run sends everything')
    .option('--restart', 'send everything again, whatever the ledger says')
    .option('--dead-letter <path>', 'what was refused, and why (default: FILE.dead-letter.ndjson)')
    .option('--keep-going', 'go on although the first 100 records were all refused')
    .option(
      '--connect-timeout <seconds>',
      'longest wait for the first answer of the event hub',
      wholeNumber(1, 3600),
      15,
    )
    .option('--stop-timeout <seconds>', 'for what is under way, after Ctrl+C', wholeNumber(0, 3600), 10)
    .option('--idempotent', 'have the event hub drop what is sent twice within a run (AMQP)')
    .option('--quiet', 'no progress and no summary')
  addTargetOptions(command)
    .addHelpText('after', `${targetHelp}\n${examples}`)
    .action(
      runsWith<SendCommandOptions>(context, (options, [file = ''], environment) => send(file, options, environment)),
    )
}

const examples = `
Examples:
  sluice send orders.ndjson --hub orders
  sluice send orders.csv --key customer --property source=import
  sluice send access.log.gz --format lines
  sluice send events.ndjson --format events   what \`sluice tail --json\` wrote, with keys and properties
  tail -f app.jsonl | sluice send - --format ndjson
  sluice send orders.ndjson                   the same again goes on where it was interrupted

Exit codes: 0 all accepted, 1 failed, 2 wrong command line, 3 some records were refused (see the dead-letter file),
4 not all was sent: run it again, 130 interrupted: run it again.`
