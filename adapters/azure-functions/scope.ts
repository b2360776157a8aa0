import type { InvocationContext } from '@azure/functions'
import type { FlushReport } from '../../core/report.js'
import { EventsNotAcceptedError } from '../flush-on-freeze.js'
import { type OpenHub, openHub } from './hub.js'
import { type EventHubOutput, settingsOf } from './output.js'

/** The outputs of one invocation, opened before its handler runs and ended before its answer goes out. */
export interface Scope {
  /** Begins the output's invocation on its client. */
  open(output: EventHubOutput): void
  /** After the handler has succeeded: sends what it set, and its result where an output takes that. */
  sendOutputs(result: unknown, returnOutput: EventHubOutput | undefined): Promise<void>
  /** Ends every invocation that was begun, side by side; one report over all of them. */
  end(): Promise<FlushReport>
}

export function createScope(context: InvocationContext): Scope {
  const hubs = new Map<EventHubOutput, OpenHub>()
  let outputsSent = false

  function open(output: EventHubOutput): void {
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
    const { client, timeoutInMs, partitionKey, openHubs } = settings
    const hub = openHub(client.beginInvocation({ timeoutInMs }), context, { name, routing: { partitionKey } })
    hubs.set(output, hub)
    openHubs.set(context, hub)
  }

  async function sendOutputs(result: unknown, returnOutput: EventHubOutput | undefined): Promise<void> {
    // All values become events before the first one is sent, so that a value that cannot be one stops them all.
    const outgoing = [...hubs].map(([output, hub]) => {
      const events = hub.takeSetEvents()
      return { hub, events: output === returnOutput ? [...events, ...hub.toEvents(result)] : events }
    })
    await Promise.all(outgoing.map(({ hub, events }) => hub.sendEvents(events)))
    outputsSent = true
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

function joinReports(reports: readonly FlushReport[]): FlushReport {
  return {
    accepted: reports.reduce((sum, { accepted }) => sum + accepted, 0),
    failures: reports.flatMap(({ failures }) => failures),
    durationInMs: Math.max(0, ...reports.map(({ durationInMs }) => durationInMs)),
  }
}
