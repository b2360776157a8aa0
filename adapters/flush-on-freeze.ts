import { EventHubProducerClient } from '../core/client.js'
import type { Invocation } from '../core/invocation.js'
import { assertAreOptions, type EventHubProducerClientOptions, kindOf } from '../core/options.js'
import type { FlushFailure, FlushReport } from '../core/report.js'

/**
 * Where the events go. Either a client of one's own (which the adapter then never closes), or what one
 * is made from on first use.
 */
export interface Destination {
  /** An existing client, shared with the adapter. Excludes the other fields. */
  readonly client?: EventHubProducerClient | undefined
  /** An Event Hubs connection string, with or without `EntityPath`. */
  readonly connectionString?: string | undefined
  /** Such as `my-namespace.servicebus.windows.net`; needs `eventHubName` and `credential`. */
  readonly fullyQualifiedNamespace?: string | undefined
  /** The event hub; may stand in the connection string's `EntityPath` instead. */
  readonly eventHubName?: string | undefined
  /** Any `TokenCredential`, named key or SAS credential; see `EventHubProducerClient`. */
  readonly credential?: ConstructorParameters<typeof EventHubProducerClient>[2] | undefined
  /** Passed on to the client. */
  readonly clientOptions?: EventHubProducerClientOptions | undefined
}

/** By name, so that adapters can refuse unknown options. */
export const destinationOptionNames = [
  'client',
  'connectionString',
  'fullyQualifiedNamespace',
  'eventHubName',
  'credential',
  'clientOptions',
] as const satisfies readonly (keyof Destination)[]

/** Thrown when an invocation ends with events that Event Hubs has not accepted. The trigger should retry. */
export class EventsNotAcceptedError extends Error {
  /** Always `EventsNotAcceptedError`. */
  override readonly name = 'EventsNotAcceptedError'
  /** Always `events-not-accepted`. */
  readonly code = 'events-not-accepted'
  /** What was not accepted, and why. Not enumerable: platforms log an error's properties, and these hold the events. */
  declare readonly failures: readonly FlushFailure[]
  /** True when every failure could succeed if the same events came again. */
  readonly retryable: boolean

  constructor(report: FlushReport) {
    const { failures, accepted } = report
    const reasons = new Map<string, number>()
    for (const failure of failures) {
      const reason = `${failure.outcome}, ${failure.error.code}: ${failure.error.message}`
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    }
    const listed = [...reasons].slice(0, 3).map(([reason, count]) => `${count} × ${reason}`)
    const more = reasons.size > 3 ? ` (and ${reasons.size - 3} other reasons)` : ''
    super(
      `${failures.length} of ${failures.length + accepted} events were not accepted by Event Hubs. ${listed.join(' | ')}${more}`,
      { cause: failures[0]?.error },
    )
    Object.defineProperty(this, 'failures', { value: failures })
    this.retryable = failures.every((failure) => failure.error.retryable)
  }
}

/**
 * A function that returns the one client of this instance. The client is made at once, which opens nothing and starts
 * no timer, so that a mistake in any option, or in the connection string, shows when the module loads and not with the
 * first event.
 */
export function clientFor(destination: Destination): () => EventHubProducerClient {
  const client = makeClient(destination)
  return () => client
}

function makeClient(destination: Destination): EventHubProducerClient {
  const { client, connectionString, fullyQualifiedNamespace, eventHubName, credential, clientOptions } = destination
  if (client) {
    if (connectionString || fullyQualifiedNamespace || credential || clientOptions) {
      throw new TypeError('Pass either client, or the options to make one (connectionString, …), not both.')
    }
    if (typeof client.beginInvocation === 'function') return client
    throw new TypeError(
      `client must be an EventHubProducerClient; received ${kindOf(client)}. For one to be made, pass connectionString and the like beside it instead.`,
    )
  }
  if (connectionString && (fullyQualifiedNamespace || credential)) {
    throw new TypeError('Pass either connectionString, or fullyQualifiedNamespace with credential, not both.')
  }
  // Below it is copied, and what is copied is an object.
  if (clientOptions !== undefined) assertAreOptions('clientOptions', clientOptions)
  if (connectionString) {
    return EventHubProducerClient.fromConnectionString(connectionString, {
      ...clientOptions,
      ...(eventHubName === undefined ? {} : { eventHubName }),
    })
  }
  if (fullyQualifiedNamespace && eventHubName && credential) {
    return new EventHubProducerClient(fullyQualifiedNamespace, eventHubName, credential, clientOptions)
  }
  throw new TypeError(
    'Where should events go? Pass connectionString, or fullyQualifiedNamespace with eventHubName and credential, or client.',
  )
}

/** What is wrong with a connection string, whether or not it names an event hub; undefined for nothing. No secret. */
export function connectionStringProblem(connectionString: string): string | undefined {
  const problem = whyNot(() => EventHubProducerClient.fromConnectionString(connectionString))
  // The one thing that it may lack; beside an EntityPath, another name would be the problem.
  const isNamed = (eventHubName: string) =>
    EventHubProducerClient.fromConnectionString(connectionString, { eventHubName })
  return problem === undefined || whyNot(() => isNamed('named-elsewhere')) === undefined ? undefined : problem
}

function whyNot(make: () => unknown): string | undefined {
  try {
    make()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/**
 * Runs `work` and ends the invocation whatever happens: when this settles, none of its events is still on
 * its way. An error of `work` stays that error. Otherwise rejects with `EventsNotAcceptedError` when
 * events failed that no flush of the user's own has reported.
 */
export async function endingInvocation<T>(invocation: Pick<Invocation, 'end'>, work: () => Promise<T> | T): Promise<T> {
  let result: T
  try {
    result = await work()
  } catch (error) {
    await invocation.end()
    throw error
  }
  const report = await invocation.end()
  if (report.failures.length > 0) throw new EventsNotAcceptedError(report)
  return result
}
