import { Command } from 'commander'
import { packageVersion } from '../../core/options.js'
import { addDoctorCommand } from './commands/doctor.js'
import { addHubCommand } from './commands/hub.js'
import { addSendCommand } from './commands/send.js'
import { addTailCommand } from './commands/tail.js'
import type { AddCommand, CliContext } from './context.js'

/** In the order in which the help lists them. */
const commands: readonly AddCommand[] = [addHubCommand, addSendCommand, addTailCommand, addDoctorCommand]

/** The whole command line, ready to parse. Throws a `CommanderError` where Commander itself would end the process. */
export function createProgram(context: CliContext): Command {
  const { stdout, stderr } = context.environment
  const program = new Command('sluice')
    .description('Azure Event Hubs from the command line.')
    .version(packageVersion, '--version', 'show the version')
    .option('--json', 'write JSON, for programs')
    .option('--verbose', 'say more: what went on, and stack traces of errors')
    .helpOption('--help', 'show this text')
    .helpCommand('help [command]', 'show the help of a command')
    // Settings are inherited by commands that are added afterwards.
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      getOutHelpWidth: () => helpWidth(stdout.columns),
      getErrHelpWidth: () => helpWidth(stderr.columns),
      outputError: (text, write) => write(asSentence(text)),
    })
    .addHelpText(
      'after',
      `
Examples:
  sluice hub                              an Event Hubs-compatible server on this machine
  sluice send orders.ndjson               each line of a file as an event, resumable
  sluice tail                             what arrives at an event hub
  sluice doctor                           why events cannot be sent, and what to do about it
  sluice help send                        all about one command

The manual is docs/command-line.md in the package: https://www.npmjs.com/package/eventhub-sluice?activeTab=code`,
    )
  for (const add of commands) add(program, context)
  return program
}

function helpWidth(columns: number): number {
  return Math.min(Math.max(columns, 60), 120)
}

/** Commander writes `error: unknown option '--form'\n(Did you mean --format?)\n`. */
function asSentence(text: string): string {
  const [first = '', ...rest] = text
    .replace(/^error: /, '')
    .trimEnd()
    .split('\n')
  const sentence = `${first.charAt(0).toUpperCase()}${first.slice(1)}${/[.?!]$/.test(first) ? '' : '.'}`
  const hint = rest.join(' ').replace(/^\((.*)\)$/, '$1')
  return `sluice: ${sentence} ${hint || 'Use --help to see what there is.'}\n`
}
