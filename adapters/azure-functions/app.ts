import type { FunctionOutput } from '@azure/functions'
import { kindOf } from '../../core/options.js'
import { type EventHubOutput, isEventHubOutput } from './output.js'
import { isPassThrough } from './pass-through.js'
import { type FunctionHandler, withEventHub } from './with-event-hub.js'

/**
 * The `app` of `@azure/functions`, on which our outputs stand where the host's own do:
 *
 * ```ts
 * import { app as functions } from '@azure/functions'
 *
 * const app = withEventHubOutputs(functions)
 *
 * app.http('order', {
 *   extraOutputs: [orders],
 *   handler: async (request, context) => {
 *     context.extraOutputs.set(orders, await request.json())
 *     return { status: 202 }
 *   },
 * })
 * ```
 *
 * Each registration with `extraOutputs` or `return` of ours goes on with its handler wrapped by `withEventHub` and
 * without these outputs, which the host does not know. Every other goes on as it is. The same holds for an `app` that
 * registers on this one, such as that of `durable-functions`. The given `app` itself is not changed.
 */
export function withEventHubOutputs<App extends object>(app: App): App {
  if (typeof app !== 'object' || app === null) {
    throw new TypeError(`withEventHubOutputs(app) needs the app of @azure/functions; received ${kindOf(app)}.`)
  }
  const members = Object.entries(app).map(([name, member]: [string, unknown]) => [name, wrapMember(member, app)])
  return Object.fromEntries(members) as App
}

function wrapMember(member: unknown, owner: object): unknown {
  if (typeof member === 'function') {
    return (...args: unknown[]) => Reflect.apply(member, owner, args.map(takeOutputs))
  }
  // Such as app.hook, and app.client of durable-functions.
  return typeof member === 'object' && member !== null ? withEventHubOutputs(member) : member
}

interface Registration {
  readonly handler: FunctionHandler<unknown, unknown>
  readonly extraOutputs?: readonly FunctionOutput[]
  readonly return?: FunctionOutput
}

/** A function's options as the host may have them; anything else as it is. */
function takeOutputs(argument: unknown): unknown {
  if (!isRegistration(argument)) return argument
  const { extraOutputs, return: returnOutput, handler, ...others } = argument
  const ours = extraOutputs?.filter(isEventHubOutput) ?? []
  const ourReturn = returnOutput && isEventHubOutput(returnOutput) ? returnOutput : undefined
  if (ours.length === 0 && !ourReturn) return argument
  const known = extraOutputs?.filter(isKnownToHost) ?? []
  return {
    ...others,
    ...(known.length > 0 ? { extraOutputs: known } : {}),
    ...(returnOutput && isKnownToHost(returnOutput) ? { return: returnOutput } : {}),
    handler: wrap(ours, ourReturn, handler),
  }
}

function wrap(
  extraOutputs: readonly EventHubOutput[],
  returnOutput: EventHubOutput | undefined,
  handler: FunctionHandler<unknown, unknown>,
): FunctionHandler<unknown, unknown> {
  return returnOutput
    ? withEventHub({ extraOutputs, return: returnOutput }, handler)
    : withEventHub({ extraOutputs }, handler)
}

function isKnownToHost(output: FunctionOutput): boolean {
  return !isEventHubOutput(output) || isPassThrough(output)
}

function isRegistration(argument: unknown): argument is Registration {
  if (typeof argument !== 'object' || argument === null) return false
  const { handler, extraOutputs } = argument as { readonly handler?: unknown; readonly extraOutputs?: unknown }
  return typeof handler === 'function' && (extraOutputs === undefined || Array.isArray(extraOutputs))
}
