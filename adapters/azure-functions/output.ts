import type { FunctionOutput, InvocationContext } from '@azure/functions'
import type { EventHubProducerClient } from '../../core/client.js'
import { duration, kindOf, refuseUnknownOptions } from '../../core/options.js'
import { type Destination, destinationOptionNames } from '../flush-on-freeze.js'
import { sharedClient } from './clients.js'
import type { InvocationHub } from './hub.js'
import { isPassThrough, passThroughOutput } from './pass-through.js'
import { assertIsSettingName, destinationFromSettings } from './settings.js'

/** Options of `eventHubOutput`: where the output's events go (`connection`, or the fields of `Destination`), and how. */
export interface EventHubOutputOptions extends Destination {
  /**
   * The name of the app setting that holds the connection string; or the prefix of `NAME__fullyQualifiedNamespace`
   * (with `NAME__credential` = `managedidentity` and `NAME__clientId`, as for the host's own bindings).
   */
  readonly connection?: string | undefined
  /** The event hub; `%NAME%` stands for an app setting. Default: the connection string's `EntityPath`. */
  readonly eventHubName?: string | undefined
  /** For events that have neither key nor partition of their own. Default: none, the events are spread. */
  readonly partitionKey?: string | undefined
  /** For `context.extraOutputs.set('name', …)`; unique among the function's outputs. Default: made up. */
  readonly name?: string | undefined
  /**
   * Time for an invocation's events from the start of its handler, in milliseconds. Never more than the app's
   * `functionTimeout`, nor than 230000 for an HTTP trigger. Default: 30000.
   */
  readonly timeoutInMs?: number | undefined
  /**
   * True: the host's own binding sends the events, after the function has returned. It has no keys, properties or
   * outcomes, and its failures are the host's; what it would corrupt is refused with `TypeError` when the handler
   * returns. Needs `connection` and `eventHubName`, and nothing else but `name`; the function has to be registered with
   * the output as well. Default: false.
   */
  readonly passThrough?: boolean | undefined
}

/** An event hub that functions can write to; see `eventHubOutput`. */
export interface EventHubOutput extends FunctionOutput {
  /** As in `EventHubOutputOptions`. */
  readonly name: string
  /**
   * The output during this invocation, to send at once or to take the outcome into one's own hands. Throws where
   * the function is not wrapped with `withEventHub`, or its invocation has ended.
   */
  for(context: InvocationContext): InvocationHub
}

/** An output's settings after parsing. */
export interface OutputSettings {
  readonly client: EventHubProducerClient
  readonly timeoutInMs: number
  readonly partitionKey: string | undefined
  /** The hubs of the invocations under way. */
  readonly openHubs: WeakMap<InvocationContext, InvocationHub>
}

const settingsByOutput = new WeakMap<object, OutputSettings>()

const optionNames: ReadonlySet<string> = new Set<keyof EventHubOutputOptions>([
  'connection',
  'partitionKey',
  'name',
  'timeoutInMs',
  'passThrough',
  ...destinationOptionNames,
])

let outputCount = 0

/**
 * An Event Hubs output binding. Declare it once, at module level, and wrap the handlers that write to it:
 *
 * ```ts
 * const orders = eventHubOutput({ connection: 'EventHubConnection', eventHubName: 'orders' })
 *
 * app.http('order', {
 *   handler: withEventHub(orders, async (request, context) => {
 *     context.extraOutputs.set(orders, await request.json())
 *     return { status: 202 }
 *   }),
 * })
 * ```
 *
 * Reads the app settings at once: a missing one is an `Error` while the app loads, which names the setting and
 * where to put it. Wrong options are a `TypeError` or `RangeError`. Nothing connects before the first invocation.
 * Outputs with the same destination share one client and its connection, in every function of this worker.
 */
export function eventHubOutput(options: EventHubOutputOptions): EventHubOutput {
  refuseUnknownOptions('eventHubOutput options', options, optionNames)
  const { connection, partitionKey, name = `eventHubSluice${++outputCount}`, ...others } = options
  const { timeoutInMs, passThrough, ...destination } = others
  if (passThrough !== undefined && typeof passThrough !== 'boolean') {
    throw new TypeError(`passThrough must be true or false; received ${kindOf(passThrough)}.`)
  }
  assertIsText('name', name)
  // What is no string would be ignored with each event, and the order that it asks for with it.
  if (partitionKey !== undefined) assertIsText('partitionKey', partitionKey)
  if (passThrough) return parsePassThrough(options, name)
  const settings: OutputSettings = {
    timeoutInMs: duration('timeoutInMs', timeoutInMs, 30_000, 1),
    partitionKey,
    client: connection === undefined ? sharedClient(destination) : clientOfConnection(connection, destination),
    openHubs: new WeakMap(),
  }
  const output: EventHubOutput = {
    name,
    // Registering a function reads the type of each of its bindings. The host would refuse a type that it does
    // not know, with an error that does not say why; so say it here.
    get type(): string {
      throw new Error(
        `The Functions host does not know the output "${name}": eventhub-sluice sends its events itself. Leave it out of the extraOutputs and return that the function is registered with, and register a wrapped handler instead: handler: withEventHub(output, handler). Within the handler, context.extraOutputs.set(output, events) works as for any output.`,
      )
    },
    for(context) {
      const hub = settings.openHubs.get(context)
      if (!hub) {
        throw new Error(
          `The output "${name}" is not open in this invocation. Wrap the handler with withEventHub(output, handler), and use the output before the handler returns.`,
        )
      }
      return hub
    },
  }
  settingsByOutput.set(output, settings)
  return output
}

/**
 * The client that outputs with this `connection` and `eventHubName` share, for what is no output, such as an HTTP door.
 * It is closed when the host shuts this worker down. Throws as `eventHubOutput` does.
 */
export function eventHubClient(
  options: Pick<EventHubOutputOptions, 'eventHubName' | 'clientOptions'> & { readonly connection: string },
): EventHubProducerClient {
  refuseUnknownOptions('eventHubClient options', options, new Set(['connection', 'eventHubName', 'clientOptions']))
  const { connection, ...destination } = options
  return clientOfConnection(connection, destination)
}

function assertIsText(option: string, value: unknown): void {
  if (typeof value === 'string' && value !== '') return
  const received = value === '' ? 'an empty one' : kindOf(value)
  throw new TypeError(`${option} must be a string of at least one character; received ${received}.`)
}

/** Whether this is an output made by `eventHubOutput`, of either kind. */
export function isEventHubOutput(output: object): output is EventHubOutput {
  return settingsByOutput.has(output) || isPassThrough(output)
}

/** The settings of an output that we send; undefined for anything else, such as the host's own outputs. */
export function settingsOf(output: object): OutputSettings | undefined {
  return settingsByOutput.get(output)
}

const passThroughOptionNames: ReadonlySet<string> = new Set(['connection', 'eventHubName', 'name', 'passThrough'])

function parsePassThrough(options: EventHubOutputOptions, name: string): EventHubOutput {
  const other = Object.entries(options).find(
    ([option, value]) => !passThroughOptionNames.has(option) && value !== undefined,
  )
  if (other) throw new TypeError(`${other[0]} does not go with passThrough: the host's own binding has no such thing.`)
  const { connection, eventHubName } = options
  if (!connection || !eventHubName) {
    throw new TypeError(
      'passThrough needs connection (the name of an app setting) and eventHubName, which the host reads.',
    )
  }
  assertIsSettingName(connection)
  return passThroughOutput({ connection, eventHubName, name })
}

function clientOfConnection(connection: string, rest: Destination): EventHubProducerClient {
  const { eventHubName, clientOptions, ...other } = rest
  const conflict = Object.entries(other).find(([, value]) => value !== undefined)
  if (conflict) throw new TypeError(`Pass either connection or ${conflict[0]}, not both.`)
  const destination = destinationFromSettings(connection, eventHubName, process.env)
  try {
    return sharedClient({ ...destination, clientOptions })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`The event hub with the app setting ${connection}: ${reason}`, { cause: error })
  }
}
