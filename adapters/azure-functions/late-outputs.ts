import type { InvocationContext } from '@azure/functions'
import { onPostInvocation, type PostInvocation } from './host.js'

/** The names of the outputs that were sent, by invocation. */
const sentOutputs = new WeakMap<object, string[]>()
let isWatching = false

/**
 * Makes an invocation fail in which an output of ours was set after it was sent, as a hook after the invocation can do:
 * nothing would send that, and nobody would hear of it. Call it when an invocation begins, so that the app has
 * registered its own hooks and ours comes behind them.
 */
export function failLateOutputs(): void {
  if (isWatching) return
  isWatching = true
  onPostInvocation(refuseLateOutputs)
}

/** What was set on these outputs is on its way; what is set from now on comes too late. */
export function noteSentOutputs(context: InvocationContext, outputs: readonly { readonly name: string }[]): void {
  const names = outputs.map(({ name }) => name)
  // A handler may be wrapped more than once, with different outputs.
  sentOutputs.set(context, [...(sentOutputs.get(context) ?? []), ...names])
}

function refuseLateOutputs({ invocationContext, error }: PostInvocation): void {
  // It fails already, with an error that says more.
  if (error !== undefined && error !== null) return
  const context = invocationContext as InvocationContext
  const late = sentOutputs.get(context)?.find((name) => (context.extraOutputs.get(name) ?? undefined) !== undefined)
  if (late === undefined) return
  throw new Error(
    `The output "${late}" was set after the handler of ${context.functionName} had ended, so its events were not sent. Set it within the handler, and await what sets it; not in a hook after the invocation.`,
  )
}
