import { EventHubError } from '../../../core/index.js'
import { placeOf } from '../amqp/place.js'
import { CliError, usageError } from '../cli-error.js'
import { type AddCommand, type GlobalOptions, runsWith } from '../context.js'
import type { CliEnvironment } from '../environment.js'
import { type ExitCode, exitCodeOf, exitCodes } from '../exit-codes.js'
import { printable, printableJson } from '../printable.js'
import type { ReceivedEvent } from '../tail/decode.js'
import { eventToJson } from '../tail/event-json.js'
import { parsePosition } from '../tail/position.js'
import { prettyEvent } from '../tail/pretty.js'
import { tail } from '../tail/tail.js'
import { addTargetOptions, readTarget, type TargetOptions, targetHelp } from '../target.js'
import { collected, wholeNumber } from '../values.js'

const formats = ['pretty', 'ndjson'] as const

interface TailCommandOptions extends TargetOptions {
  readonly partition?: readonly string[]
  readonly consumerGroup: string
  readonly from?: string
  readonly count?: number
  readonly follow: boolean
  readonly format?: string
  readonly properties?: boolean
}

/** Adds `sluice tail`. */
export const addTailCommand: AddCommand = (program, context) => {
  addTargetOptions(
    program.command('tail').description('Show the events of an event hub as they arrive. Needs the Listen right.'),
  )
    .option('--partition <id>', 'only this partition; may be given several times', collected())
    .option('--consumer-group <name>', 'whose readers this one joins', '$Default')
    .option(
      '--from <position>',
      'latest, earliest, a sequence number, offset:OFFSET, or a time such as 2026-05-04T03:02:01Z (default: latest; with --no-follow: earliest)',
    )
    .option('--count <n>', 'stop after so many events', wholeNumber(1))
    .option('--no-follow', 'stop at the end instead of waiting for more')
    .option('--format <name>', `${formats.join(' or ')} (default: pretty; with --json: ndjson)`)
    .option('--properties', 'pretty: show the properties beneath each event')
    .addHelpText('after', `${targetHelp}\n${examples}`)
    .action(runsWith<TailCommandOptions>(context, (options, _args, environment) => runTail(options, environment)))
}

const examples = `
Ends with 0 when --count or --no-follow is reached or nobody reads its output any more, 130 after Ctrl+C, 1 when it
cannot go on, 2 when an option is wrong.

Examples:
  sluice tail
  sluice tail --from earliest --no-follow --json > events.ndjson
  sluice tail --partition 0 --from 42 --count 1 --properties
  sluice tail --from 2026-05-04T03:00:00Z --json | jq .body
  sluice send events.ndjson --format events --hub another     sends them again, with keys and properties`

async function runTail(options: TailCommandOptions & GlobalOptions, environment: CliEnvironment): Promise<ExitCode> {
  const { stdout, stderr } = environment
  const render = rendererFor(options, environment)
  const from = positionOf(options)
  const place = placeOf(await readTarget(options, environment))
  if (place.transportType === 'https') {
    throw usageError(
      'Events cannot be read over https: the service hands them out over AMQP alone. Use --transport amqp, or amqpOverWebSocket where only port 443 is open.',
    )
  }
  const ending = new AbortController()
  let exitCode: ExitCode = exitCodes.done
  const release = environment.onSignal((signal) => {
    exitCode = exitCodeOf(signal)
    ending.abort()
  })
  const signal = AbortSignal.any([ending.signal, stdout.closed])
  const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  const { consumerGroup, follow, partition } = options
  const events = tail({
    place,
    consumerGroup,
    partitionIds: partition && [...new Set(partition)],
    from,
    follow,
    signal,
    onNotice: (line) => stderr.write(`sluice: ${printable(line)}\n`),
    onReading: (ids) => {
      if (options.verbose || (follow && stderr.isTTY)) stderr.write(`${waiting(place.eventHubName, ids)}\n`)
    },
  })
  try {
    let left = options.count ?? Number.POSITIVE_INFINITY
    for await (const event of events) {
      // Nothing more is taken while the reader of this output has no room: then nothing more arrives, either.
      if (!stdout.write(render(event))) await Promise.race([stdout.drained(), stopped])
      if (--left === 0 || signal.aborted) break
    }
  } catch (error) {
    if (!(error instanceof EventHubError)) throw error
    const more = isOfTheWay(error) ? ' `sluice doctor` tells more.' : ''
    throw new CliError(`${error.message}${more}`, exitCodes.failed, error)
  } finally {
    release()
  }
  return exitCode
}

/** Whether it went wrong before there was anything to read. */
function isOfTheWay({ code, condition }: EventHubError): boolean {
  return ['connection-lost', 'timeout', 'protocol-error', 'unexpected'].includes(code) || condition === 'ENOTFOUND'
}

function waiting(eventHubName: string, ids: readonly string[]): string {
  const which = ids.length === 1 ? `partition ${printable(ids[0] ?? '')}` : `${ids.length} partitions`
  return `Reading '${printable(eventHubName)}', ${which}. Press Ctrl+C to stop.`
}

function positionOf({ from, follow }: TailCommandOptions) {
  try {
    return parsePosition(from ?? (follow ? 'latest' : 'earliest'))
  } catch (error) {
    throw error instanceof RangeError ? new CliError(`--from: ${error.message}`, exitCodes.usage) : error
  }
}

function rendererFor(
  { format, json, properties = false }: TailCommandOptions & GlobalOptions,
  { stdout, env }: CliEnvironment,
): (event: ReceivedEvent) => string {
  const chosen = format ?? (json ? 'ndjson' : 'pretty')
  if (chosen === 'ndjson') return (event) => `${printableJson(JSON.stringify(eventToJson(event)))}\n`
  if (chosen !== 'pretty') throw usageError(`--format must be ${formats.join(' or ')}, not '${chosen.slice(0, 40)}'.`)
  if (json) throw usageError('--json and --format pretty exclude each other. Keep one of them.')
  const colours = stdout.isTTY && !env.NO_COLOR
  return (event) => prettyEvent(event, { width: stdout.isTTY ? stdout.columns : undefined, properties, colours })
}
