import type { InvocationContext } from '@azure/functions'
import type { FlushReport } from '../../core/report.js'
import { EventsNotAcceptedError } from '../flush-on-freeze.js'
import { functionTimeoutOfThisApp, invocationTimeoutInMs } from './function-timeout.js'
import { type OpenHub, openHub } from './hub.js'
import { failLateOutputs, noteSentOutputs } from './late-outputs.js'
import { type EventHubOutput, settingsOf } from './output.js'
import { assertIsRegistered, isPassThrough, toHostValue } from './pass-through.js'
import { joinReports } from './reports.js'

/** The outputs that a handler is wrapped with. */
export interface ScopeBindings {
  readonly extraOutputs: readonly EventHubOutput[]
  readonly return: EventHubOutput | undefined
}

/** The outputs of one invocation, opened before its handler runs and ended before its answer goes out. */
export interface Scope {
  /** Begins the invocations of the outputs on their clients, and refuses outputs that could not work. */
  open(): void
  /**
   * After the handler has succeeded: sends what it set, and its result where an output takes that. Resolves to the
   * result that the host is to have.
   */
  sendOutputs(result: unknown): Promise<unknown>
  /** Ends every invocation that was begun, side by side; one report over all of them. */
  end(): Promise<FlushReport>
}

export function createScope(context: InvocationContext, bindings: ScopeBindings): Scope {
  const hubs = new Map<EventHubOutput, OpenHub>()
  let outputsSent = false

  function open(): void {
    failLateOutputs()
    const { extraOutputs, return: returnOutput } = bindings
    for (const output of extraOutputs.filter(isPassThrough)) assertIsRegistered(output, 'extraOutputs', context)
    if (returnOutput && isPassThrough(returnOutput)) assertIsRegistered(returnOutput, 'return', context)
    const all = new Set(returnOutput ? [...extraOutputs, returnOutput] : extraOutputs)
    for (const output of all) if (!isPassThrough(output)) openOne(output)
  }

  function openOne(output: EventHubOutput): void {
    const settings = settingsOf(output)
    if (!settings) throw new TypeError('Not an output made by eventHubOutput().')
    const { name } = output
    // Each wrapper would send what was set: every event twice.
    if (settings.openHubs.has(context)) {
      throw new Error(`The output "${name}" is wrapped twice around the handler of ${context.functionName}.`)
    }
    if (context.options.extraOutputs.some((own) => own.name === name)) {
      throw new Error(
        `${context.functionName} has another output named "${name}", which would get the same values. Rename one of them.`,
      )
    }
    const { client, partitionKey, openHubs } = settings
    // A context that someone made for a unit test may lack the trigger.
    const timeoutInMs = invocationTimeoutInMs(
      settings.timeoutInMs,
      context.options.trigger?.type ?? '',
      functionTimeoutOfThisApp(),
    )
    const hub = openHub(client.beginInvocation({ timeoutInMs }), context, { name, routing: { partitionKey } })
    hubs.set(output, hub)
    openHubs.set(context, hub)
  }

  async function sendOutputs(result: unknown): Promise<unknown> {
    const { extraOutputs, return: returnOutput } = bindings
    for (const hub of hubs.values()) hub.handlerEnded()
    // All values become events before the first one is sent, so that a value that cannot be one stops them all.
    const outgoing = [...hubs].map(([output, hub]) => {
      const events = hub.takeSetEvents()
      return { hub, events: output === returnOutput ? [...events, ...hub.toEvents(result)] : events }
    })
    for (const { name } of extraOutputs.filter(isPassThrough)) {
      context.extraOutputs.set(name, toHostValue(context.extraOutputs.get(name), name))
    }
    const resultForHost = returnOutput ? resultOf(returnOutput, result) : result
    await Promise.all(outgoing.map(({ hub, events }) => hub.sendEvents(events)))
    outputsSent = true
    noteSentOutputs(context, [...hubs.keys()])
    return resultForHost
  }

  async function end(): Promise<FlushReport> {
    const report = joinReports(await Promise.all([...hubs.values()].map((hub) => hub.end())))
    for (const output of hubs.keys()) settingsOf(output)?.openHubs.delete(context)
    // Another error is what fails the invocation then; these failures would be seen nowhere.
    if (!outputsSent && report.failures.length > 0) context.warn(new EventsNotAcceptedError(report).message)
    return report
  }

  return { open, sendOutputs, end }
}

/** What the host gets of a result that an output takes. */
function resultOf(returnOutput: EventHubOutput, result: unknown): unknown {
  return isPassThrough(returnOutput) ? toHostValue(result, returnOutput.name) : undefined
}
