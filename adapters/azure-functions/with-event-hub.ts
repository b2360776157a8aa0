import type { InvocationContext } from '@azure/functions'
import { kindOf, refuseUnknownOptions } from '../../core/options.js'
import { endingInvocation } from '../flush-on-freeze.js'
import { type EventHubOutput, isEventHubOutput } from './output.js'
import { createScope, type ScopeBindings } from './scope.js'

/** The outputs of one function, named as in the function's options. */
export interface EventHubBindings {
  /** Outputs for `context.extraOutputs.set(output, events)` and `output.for(context)`. */
  readonly extraOutputs?: readonly EventHubOutput[] | undefined
  /** The output that takes the handler's return value. The host then gets none: an HTTP function answers 204. */
  readonly return?: EventHubOutput | undefined
}

/** A function's handler, as one registers it with the Functions host. */
export type FunctionHandler<T, R> = (triggerInput: T, context: InvocationContext) => R | Promise<R>

/** What `withEventHub` makes of a handler: rejects with `EventsNotAcceptedError` when an event was not accepted. */
export type WrappedHandler<T, R> = (triggerInput: T, context: InvocationContext) => Promise<R>

const bindingNames: ReadonlySet<string> = new Set<keyof EventHubBindings>(['extraOutputs', 'return'])

/**
 * Wraps a function's handler so that it can write to event hubs. Register what it returns:
 *
 * ```ts
 * app.storageQueue('forward', { queueName: 'orders', connection: 'AzureWebJobsStorage',
 *   handler: withEventHub({ return: orders }, (message) => message) })
 * ```
 *
 * Within the handler, call `context.extraOutputs.set(output, events)` as for any binding. Events are a string, bytes,
 * a JSON value, `eventData({ body, partitionKey, … })`, or an array of these, one event per element; `undefined` and
 * `null` are nothing. They are sent when the handler has succeeded, and the invocation ends when Event Hubs has
 * them. If it does not accept some, the invocation fails with `EventsNotAcceptedError`, so that the trigger retries.
 *
 * If the handler throws, the invocation fails with that very error, and nothing that was set is sent, as with the
 * host's own bindings. What went before, by `output.for(context).send(…)` or `.flush()`, is awaited all the same.
 */
export function withEventHub<T>(
  bindings: EventHubBindings & { readonly return: EventHubOutput },
  handler: FunctionHandler<T, unknown>,
): WrappedHandler<T, undefined>
/** Wraps a function's handler, whose return value stays the function's own; see the form with `return` for the rest. */
export function withEventHub<T, R>(
  outputs: EventHubOutput | readonly EventHubOutput[] | (EventHubBindings & { readonly return?: undefined }),
  handler: FunctionHandler<T, R>,
): WrappedHandler<T, R>
export function withEventHub<T, R>(
  outputs: EventHubOutput | readonly EventHubOutput[] | EventHubBindings,
  handler: FunctionHandler<T, R>,
): WrappedHandler<T, R | undefined> {
  if (typeof handler !== 'function') throw new TypeError('withEventHub(output, handler) needs the handler to wrap.')
  const bindings = parseBindings(outputs)

  return (...args) => {
    // The worker passes the context last, also where a trigger has no input.
    const context = args[args.length - 1] as InvocationContext
    const scope = createScope(context, bindings)
    return endingInvocation(scope, async () => {
      scope.open()
      // Its own type where no output takes it; otherwise nothing, or what the host's binding is handed.
      return (await scope.sendOutputs(await failing(() => handler(...args), context))) as R | undefined
    })
  }
}

/** The worker takes a rejection with nothing for success, and what the handler had set would be lost without a word. */
async function failing<R>(handle: () => R | Promise<R>, { functionName }: InvocationContext): Promise<R> {
  try {
    return await handle()
  } catch (thrown) {
    throw thrown ?? new Error(`The handler of ${functionName} threw ${thrown}. Throw an Error that says why.`)
  }
}

/** The three forms as one. Throws `TypeError` for what is not an output of ours and for names that would collide. */
function parseBindings(input: EventHubOutput | readonly EventHubOutput[] | EventHubBindings): ScopeBindings {
  const bindings = toBindings(input)
  const { extraOutputs, return: returnOutput } = bindings
  const outputs = [...new Set([...extraOutputs, ...(returnOutput ? [returnOutput] : [])])]
  if (outputs.length === 0) throw new TypeError('withEventHub(output, handler) needs at least one output.')
  const names = new Set<string>()
  for (const output of outputs) {
    if (typeof output !== 'object' || output === null || !isEventHubOutput(output)) throw notAnOutput()
    if (names.has(output.name)) {
      throw new TypeError(`Two outputs of one function are named "${output.name}". Give one of them another name.`)
    }
    names.add(output.name)
  }
  return bindings
}

function toBindings(input: EventHubOutput | readonly EventHubOutput[] | EventHubBindings): ScopeBindings {
  if (typeof input !== 'object' || input === null) throw notAnOutput()
  if (isList(input)) return { extraOutputs: input, return: undefined }
  if (isEventHubOutput(input)) return { extraOutputs: [input], return: undefined }
  // One of the host's own outputs.
  if ('type' in input) throw notAnOutput()
  refuseUnknownOptions('withEventHub bindings', input, bindingNames)
  const { extraOutputs = [], return: returnOutput } = input as EventHubBindings
  if (!isList(extraOutputs)) {
    throw new TypeError(`extraOutputs must be a list of outputs, such as [orders]; received ${kindOf(extraOutputs)}.`)
  }
  return { extraOutputs, return: returnOutput }
}

// Array.isArray alone does not narrow to a readonly array.
function isList(value: unknown): value is readonly EventHubOutput[] {
  return Array.isArray(value)
}

function notAnOutput(): TypeError {
  return new TypeError(
    "withEventHub takes an output made by eventHubOutput(), a list of them, or { extraOutputs: [output], return: output }. The host's own outputs stay where the function is registered.",
  )
}
