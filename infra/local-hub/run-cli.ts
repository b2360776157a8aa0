import { parseArgs } from 'node:util'
import { type LocalHub, startLocalHub } from './local-hub.js'
import type { LocalHubOptions } from './options.js'

// The official emulator's key, so that a connection string written for it works here. It protects nothing: the hub
// listens on loopback, and warns where it does not.
const defaultKey = 'SAS_KEY_VALUE'

const usage = `Usage: eventhub-sluice-local-hub [options]

An Event Hubs-compatible server for development, in memory.

  --host ADDRESS        where to listen                            127.0.0.1
  --port PORT           AMQP                                       5672
  --http-port PORT      REST, and AMQP over WebSocket              8090
  --hub NAME            an event hub; may be given several times   events
  --partitions COUNT    partitions of each event hub               4
  --consumer-group NAME beside $Default; may be given several times
  --key KEY             the key of RootManageSharedAccessKey       ${defaultKey}
  --verbose             say what was refused, and why
  --help                show this text
`

const loopback = new Set(['127.0.0.1', '::1', 'localhost'])

/** Where the command line reads from and writes to. */
export interface CliEnvironment {
  write(text: string): void
  writeError(text: string): void
  /** Resolves when the process is asked to stop. */
  untilStopped(): Promise<void>
}

const processEnvironment: CliEnvironment = {
  write: (text) => process.stdout.write(text),
  writeError: (text) => process.stderr.write(text),
  untilStopped: () =>
    new Promise((resolve) => {
      process.once('SIGINT', () => resolve())
      process.once('SIGTERM', () => resolve())
    }),
}

/** Runs the local hub until it is stopped. Returns the exit code: 1 for a wrong option or a port that is taken. */
export async function runCli(
  args: readonly string[],
  environment: CliEnvironment = processEnvironment,
): Promise<number> {
  const stopped = environment.untilStopped()
  let hub: LocalHub
  let settings: Settings
  try {
    settings = readSettings(args)
    if (settings.help) {
      environment.write(usage)
      return 0
    }
    const logger = settings.verbose ? (message: string) => environment.writeError(`${message}\n`) : undefined
    hub = await startLocalHub({ ...settings.options, ...(logger && { logger }) })
  } catch (error) {
    environment.writeError(`${explain(error)}\n`)
    return 1
  }
  environment.write(greeting(hub))
  if (!loopback.has(hub.host)) {
    environment.writeError(
      `Warning: listening on ${hub.host}, so other machines can connect. Use --host 127.0.0.1 to prevent that.\n`,
    )
  }
  await stopped
  await hub.close()
  return 0
}

interface Settings {
  readonly help: boolean
  readonly verbose: boolean
  readonly options: LocalHubOptions
}

function readSettings(args: readonly string[]): Settings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '5672' },
      'http-port': { type: 'string', default: '8090' },
      hub: { type: 'string', multiple: true, default: ['events'] },
      partitions: { type: 'string', default: '4' },
      'consumer-group': { type: 'string', multiple: true, default: [] },
      key: { type: 'string', default: defaultKey },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const partitionCount = wholeNumber('--partitions', values.partitions)
  const consumerGroups = values['consumer-group']
  return {
    help: values.help,
    verbose: values.verbose,
    options: {
      host: values.host,
      amqpPort: port('--port', values.port),
      httpPort: port('--http-port', values['http-port']),
      eventHubs: Object.fromEntries(values.hub.map((name) => [name, { partitionCount, consumerGroups }])),
      sharedAccessKeys: { RootManageSharedAccessKey: values.key },
    },
  }
}

function wholeNumber(flag: string, value: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value)
  throw new TypeError(`${flag} must be a whole number, not '${value}'.`)
}

function port(flag: string, value: string): number {
  const number = wholeNumber(flag, value)
  if (number > 65535) throw new RangeError(`${flag} must be a port from 0 to 65535, not ${value}.`)
  return number
}

function greeting(hub: LocalHub): string {
  const names = hub.eventHubNames
  const strings = names.map((name) => `  ${hub.connectionStringFor(name)}\n`).join('')
  const plural = names.length === 1 ? '' : 's'
  return `The local hub is up: event hub${plural} ${names.join(', ')}.
AMQP on port ${hub.amqpPort}, HTTP on port ${hub.httpPort}.
Connection string${plural}:
${strings}Try it: EventHubProducerClient.fromConnectionString('the line above').sendEvent({ body: 'hello' })
Press Ctrl+C to stop. Nothing is kept.
`
}

/** One sentence that says what to do. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code, port, address } = error as NodeJS.ErrnoException & { port?: number; address?: string }
  const flags = 'Choose another with --port (AMQP) or --http-port (HTTP); 0 takes any free port.'
  if (code === 'EADDRINUSE') return `Port ${port} is in use already. ${flags}`
  if (code === 'EACCES') return `Port ${port} may not be opened by this user. ${flags}`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return `This machine has no address '${address ?? 'given'}' to listen on. Choose another with --host.`
  }
  if (code?.startsWith('ERR_PARSE_ARGS')) return `${error.message.split('. ', 1)[0]}. Use --help for the options.`
  return error.message
}
