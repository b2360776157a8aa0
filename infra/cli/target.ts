import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { Option } from 'commander'
import {
  type CommonClientOptions,
  EventHubProducerClient,
  type EventHubProducerClientOptions,
  type HttpProxyOptions,
  type TokenCredential,
  type TransportType,
} from '../../core/index.js'
import { CliError, usageError } from './cli-error.js'
import type { CliEnvironment } from './environment.js'
import { exitCodes } from './exit-codes.js'

/** The options of `addTargetOptions`, as Commander reads them. */
export interface TargetOptions {
  readonly connectionString?: string
  readonly connectionStringFile?: string
  readonly namespace?: string
  readonly hub?: string
  readonly transport?: TransportType
  readonly endpoint?: string
  readonly httpProxy?: string
  readonly caFile?: string
}

/** An event hub, whom to be there, and the way to it. */
export type Target = {
  readonly clientOptions: Pick<CommonClientOptions, 'transportType' | 'customEndpointAddress' | 'httpProxy' | 'tls'>
} & (
  | { readonly kind: 'connection-string'; readonly connectionString: string; readonly eventHubName: string | undefined }
  | {
      readonly kind: 'identity'
      readonly fullyQualifiedNamespace: string
      readonly eventHubName: string
      readonly credential: TokenCredential
    }
)

/** Adds the options that say which event hub is meant, and how to get there. */
export function addTargetOptions(command: Command): Command {
  return command
    .option('--connection-string-file <path>', 'a file with the connection string')
    .option('--connection-string <string>', 'visible to all users of the machine: better the file or the variable')
    .option('--namespace <host>', 'with a Microsoft Entra identity instead: NAME.servicebus.windows.net')
    .option('--hub <name>', 'the event hub, where the connection string has no EntityPath')
    .addOption(
      new Option('--transport <name>', 'how to get there (default: amqp)').choices([
        'amqp',
        'amqpOverWebSocket',
        'https',
      ] satisfies TransportType[]),
    )
    .option('--endpoint <host:port>', 'connect here instead of to the namespace')
    .option('--http-proxy <url>', 'an HTTP proxy, for amqpOverWebSocket and https')
    .option('--ca-file <path>', 'certificates (PEM) of the authorities to trust, in place of the system’s')
}

/** For `addHelpText('after', …)` of commands with these options. */
export const targetHelp = `
Which event hub, if no option says so: EVENTHUB_CONNECTION_STRING (and EVENTHUB_NAME where it has no EntityPath), or
EVENTHUB_FULLY_QUALIFIED_NAMESPACE and EVENTHUB_NAME with an identity (az login, a managed identity, AZURE_ variables;
needs the package @azure/identity). EVENTHUB_HTTP_PROXY stands in for --http-proxy.`

/**
 * Reads where to from the options and, where they are silent, from the environment.
 *
 * @throws CliError `usage` that says what is missing, wrong or too many
 */
export async function readTarget(options: TargetOptions, environment: CliEnvironment): Promise<Target> {
  const variable = (name: string) => environment.env[name]?.trim() || undefined
  const clientOptions = await readClientOptions(options, variable('EVENTHUB_HTTP_PROXY'))
  if (options.hub?.trim() === '') throw usageError('--hub is empty. Name the event hub, or leave it out.')
  const eventHubName = options.hub ?? variable('EVENTHUB_NAME')
  const source = sourceOf(options, variable)
  if (source.kind === 'namespace') {
    if (eventHubName === undefined) {
      throw usageError('Which event hub of the namespace? Add --hub NAME, or set EVENTHUB_NAME.')
    }
    const credential = await defaultCredential()
    return { kind: 'identity', fullyQualifiedNamespace: source.value, eventHubName, credential, clientOptions }
  }
  if (source.kind === 'argument') {
    environment.stderr.write(
      'Warning: other users of this machine can see --connection-string in the list of processes. Set EVENTHUB_CONNECTION_STRING, or use --connection-string-file.\n',
    )
  }
  const given = source.kind === 'file' ? await textOf(source.value) : source.value
  const named = { byOption: options.hub, byVariable: variable('EVENTHUB_NAME') }
  return { kind: 'connection-string', ...withOneName(given, source.kind === 'variable', named), clientOptions }
}

/** What is typed wins over what is set; of two that are typed, or two that are set, nobody can say which is meant. */
function withOneName(
  connectionString: string,
  isSet: boolean,
  { byOption, byVariable }: { readonly byOption: string | undefined; readonly byVariable: string | undefined },
): { readonly connectionString: string; readonly eventHubName: string | undefined } {
  const parts = connectionString.split(';')
  const isEntityPath = (part: string) => /^\s*EntityPath\s*=/i.test(part)
  const entityPath = parts
    .find(isEntityPath)
    ?.replace(/^[^=]*=/, '')
    .trim()
  const name = byOption ?? byVariable
  if (!entityPath || name === undefined || name === entityPath) return { connectionString, eventHubName: name }
  if (byOption === undefined && !isSet) return { connectionString, eventHubName: undefined }
  if (byOption !== undefined && isSet) {
    return { connectionString: parts.filter((part) => !isEntityPath(part)).join(';'), eventHubName: byOption }
  }
  const which = byOption === undefined ? 'EVENTHUB_NAME' : '--hub'
  throw usageError(
    `Which event hub? ${which} is '${name}', and the connection string's EntityPath is '${entityPath}'. Leave one of them out.`,
  )
}

/**
 * A client for the target.
 *
 * @throws TypeError, RangeError for what cannot work, as the client's constructor
 */
export function clientFor(target: Target, options: EventHubProducerClientOptions): EventHubProducerClient {
  const all = { ...options, ...target.clientOptions }
  if (target.kind === 'connection-string') {
    const { connectionString, eventHubName } = target
    if (eventHubName === undefined && !/(?:^|;)\s*EntityPath\s*=/i.test(connectionString)) {
      throw usageError(
        'Which event hub? The connection string has no EntityPath. Add --hub NAME, or set EVENTHUB_NAME.',
      )
    }
    return EventHubProducerClient.fromConnectionString(connectionString, { ...all, eventHubName })
  }
  return new EventHubProducerClient(target.fullyQualifiedNamespace, target.eventHubName, target.credential, all)
}

interface Source {
  readonly kind: 'argument' | 'file' | 'variable' | 'namespace'
  readonly value: string
}

function sourceOf(options: TargetOptions, variable: (name: string) => string | undefined): Source {
  const given: [name: string, kind: Source['kind'], value: string | undefined][] = [
    ['--connection-string', 'argument', options.connectionString],
    ['--connection-string-file', 'file', options.connectionStringFile],
    ['--namespace', 'namespace', options.namespace],
  ]
  // What is typed wins over what is set.
  const inEnvironment: typeof given = [
    ['EVENTHUB_CONNECTION_STRING', 'variable', variable('EVENTHUB_CONNECTION_STRING')],
    ['EVENTHUB_FULLY_QUALIFIED_NAMESPACE', 'namespace', variable('EVENTHUB_FULLY_QUALIFIED_NAMESPACE')],
  ]
  for (const sources of [given, inEnvironment]) {
    const set = sources.flatMap(([name, kind, value]) => (value === undefined ? [] : [{ name, kind, value }]))
    const [only, second] = set
    if (only && second) throw usageError(`Both ${only.name} and ${second.name} are given. Keep the one that is meant.`)
    if (only) return only
  }
  throw usageError(
    'Which event hub? Set EVENTHUB_CONNECTION_STRING, or use --connection-string-file PATH, or --namespace HOST --hub NAME with an identity. To try without Azure, run: sluice hub',
  )
}

async function readClientOptions(
  options: TargetOptions,
  proxyByDefault: string | undefined,
): Promise<Target['clientOptions']> {
  const proxy = options.httpProxy ?? proxyByDefault
  const httpProxy = proxy === undefined ? undefined : parseProxy(proxy)
  if (httpProxy && (options.transport ?? 'amqp') === 'amqp') {
    throw usageError('An HTTP proxy cannot carry plain AMQP. Add --transport amqpOverWebSocket, or --transport https.')
  }
  if (options.caFile !== undefined && options.transport === 'https' && !httpProxy) {
    throw usageError(
      'Over https, --ca-file is only for a connection through --http-proxy. Set NODE_EXTRA_CA_CERTS to the file instead.',
    )
  }
  return {
    ...(options.transport && { transportType: options.transport }),
    ...(options.endpoint && { customEndpointAddress: options.endpoint }),
    ...(httpProxy && { httpProxy }),
    ...(options.caFile && { tls: { ca: await readFile(options.caFile) } }),
  }
}

/** No message shows the value: it may hold a password. */
function parseProxy(text: string): HttpProxyOptions {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'http:' || url.hostname === '' || url.pathname !== '/') {
    throw usageError(
      'The HTTP proxy must be a URL such as http://proxy.example.net:3128, or http://USER:PASSWORD@HOST:PORT.',
    )
  }
  const part = (encoded: string) => decodeURIComponent(encoded) || undefined
  const username = part(url.username)
  const password = part(url.password)
  return {
    hostname: url.hostname,
    port: Number(url.port || '80'),
    ...(username && { username }),
    ...(password && { password }),
  }
}

async function textOf(path: string): Promise<string> {
  const text = (await readFile(path, 'utf8')).replace(/^\uFEFF/, '').trim()
  if (text === '') throw usageError(`The file '${path}' is empty. It must hold a connection string and nothing else.`)
  return text
}

async function defaultCredential(): Promise<TokenCredential> {
  try {
    const { DefaultAzureCredential } = await import('@azure/identity')
    return new DefaultAzureCredential()
  } catch (error) {
    throw new CliError(
      'An identity needs the package @azure/identity, which is not installed. Run: npm install @azure/identity. Or use a connection string.',
      exitCodes.failed,
      error,
    )
  }
}
