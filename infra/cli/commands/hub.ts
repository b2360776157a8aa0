import type { HubWithPage } from '../../hub-page/index.js'
import { type LocalHubOptions, startLocalHub } from '../../local-hub/index.js'
import { CliError, usageError } from '../cli-error.js'
import { type AddCommand, type GlobalOptions, runsWith } from '../context.js'
import type { CliEnvironment } from '../environment.js'
import { type ExitCode, exitCodes } from '../exit-codes.js'
import { printable } from '../printable.js'
import { collected, portNumber, wholeNumber } from '../values.js'

// The official emulator's key, so that a connection string written for it works here. It protects nothing: the hub
// listens on loopback, and warns where it does not.
const defaultKey = 'SAS_KEY_VALUE'

const loopback = new Set(['127.0.0.1', '::1', 'localhost'])

interface HubOptions {
  readonly host: string
  readonly port: number
  readonly httpPort: number
  readonly hub: readonly string[]
  readonly partitions: number
  readonly consumerGroup?: readonly string[]
  readonly key: string
  readonly page: boolean
  readonly open?: boolean
}

/** A hub, with a page or without. */
type RunningHub = Pick<HubWithPage, 'hub' | 'close'> & { readonly url: string | undefined }

/** Adds `sluice hub`. */
export const addHubCommand: AddCommand = (program, context) => {
  program
    .command('hub')
    .description('Run an Event Hubs-compatible server on this machine, in memory, for development and tests.')
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option('--port <port>', 'AMQP; 0 takes any free port', portNumber, 5672)
    .option('--http-port <port>', 'REST, and AMQP over WebSocket', portNumber, 8090)
    .option('--hub <name>', 'an event hub; may be given several times', collected(), ['events'])
    .option('--partitions <count>', 'partitions of each event hub', wholeNumber(1), 4)
    .option('--consumer-group <name>', 'beside $Default; may be given several times', collected())
    .option('--key <key>', 'the key of RootManageSharedAccessKey', defaultKey)
    .option('--no-page', 'serve no page that shows what arrives, with faults to switch on')
    .option('--open', 'open the page in the browser')
    .addHelpText('after', examples)
    .action(runsWith<HubOptions>(context, (options, _args, environment) => runHub(options, environment)))
}

const examples = `
Examples:
  sluice hub
  sluice hub --hub orders --hub payments --partitions 8
  sluice hub --port 0 --http-port 0 --json    any free ports, told as one line of JSON

In another terminal, with the connection string that it shows:
  export EVENTHUB_CONNECTION_STRING='Endpoint=sb://…'
  sluice send events.ndjson`

/** Runs the local hub until it is stopped. */
async function runHub(options: HubOptions & GlobalOptions, environment: CliEnvironment): Promise<ExitCode> {
  const { stdout, stderr } = environment
  const stopped = new Promise<void>((resolve) => {
    const release = environment.onSignal(() => {
      release()
      resolve()
    })
  })
  if (options.open && !options.page)
    throw usageError('--open opens the page, and --no-page serves none. Keep one of them.')
  const running = await start(
    options,
    options.verbose ? (message) => stderr.write(`${printable(message)}\n`) : undefined,
  )
  const { hub, url } = running
  stdout.write(options.json ? `${JSON.stringify(asJson(running))}\n` : greeting(running))
  if (options.open && url !== undefined) (await import('../../hub-page/index.js')).openInBrowser(url)
  if (!loopback.has(hub.host)) {
    stderr.write(
      `Warning: listening on ${hub.host}, so other machines can connect. Use --host 127.0.0.1 to prevent that.\n`,
    )
  }
  await stopped
  await running.close()
  return exitCodes.done
}

async function start(options: HubOptions, logger: ((message: string) => void) | undefined): Promise<RunningHub> {
  const { partitions: partitionCount, consumerGroup: consumerGroups = [] } = options
  const hubOptions: LocalHubOptions = {
    host: options.host,
    amqpPort: options.port,
    httpPort: options.httpPort,
    eventHubs: Object.fromEntries(options.hub.map((name) => [name, { partitionCount, consumerGroups }])),
    sharedAccessKeys: { RootManageSharedAccessKey: options.key },
    ...(logger && { logger }),
  }
  try {
    if (options.page) {
      // Loaded only where it is served: other commands need not wait for it.
      const { startHubWithPage } = await import('../../hub-page/index.js')
      return await startHubWithPage(hubOptions)
    }
    const hub = await startLocalHub(hubOptions)
    return { hub, url: undefined, close: () => hub.close() }
  } catch (error) {
    throw explained(error)
  }
}

function greeting({ hub, url }: RunningHub): string {
  const names = hub.eventHubNames
  const strings = names.map((name) => `  ${hub.connectionStringFor(name)}\n`).join('')
  const plural = names.length === 1 ? '' : 's'
  return `The local hub is up: event hub${plural} ${names.join(', ')}.
AMQP on port ${hub.amqpPort}, HTTP on port ${hub.httpPort}.
Connection string${plural}:
${strings}${url === undefined ? '' : `See what arrives, and break it: ${url}\n`}Try it: EventHubProducerClient.fromConnectionString('the line above').sendEvent({ body: 'hello' })
Press Ctrl+C to stop. Nothing is kept.
`
}

function asJson({ hub, url }: RunningHub): object {
  return {
    host: hub.host,
    amqpPort: hub.amqpPort,
    httpPort: hub.httpPort,
    page: url ?? null,
    eventHubs: hub.eventHubNames.map((name) => ({ name, connectionString: hub.connectionStringFor(name) })),
  }
}

function explained(error: unknown): unknown {
  const { code, port, address, hostname } = error as NodeJS.ErrnoException & {
    port?: number
    address?: string
    hostname?: string
  }
  const flags = 'Choose another with --port (AMQP) or --http-port (HTTP); 0 takes any free port.'
  if (code === 'EADDRINUSE') return new CliError(`Port ${port} is in use already. ${flags}`, exitCodes.failed, error)
  if (code === 'EACCES') {
    return new CliError(`Port ${port} may not be opened by this user. ${flags}`, exitCodes.failed, error)
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    const sentence = `This machine has no address '${address ?? hostname}' to listen on. Choose another with --host.`
    return new CliError(sentence, exitCodes.failed, error)
  }
  return error
}
