import type { Invocation } from '../../core/invocation.js'
import type { RequestContext } from './context.js'
import type { IncomingItem } from './incoming.js'
import { partitionKeyOf } from './partition-key.js'
import type { Entry } from './results.js'

/** One request's events on their way. */
export interface Posting {
  readonly context: RequestContext
  readonly invocation: Invocation
  readonly keyOfRequest: string | undefined
  readonly items: AsyncIterable<IncomingItem>
  /** What was read, as far as it came. */
  readonly entries: Entry[]
}

/** Hands the items to the invocation one by one: waiting for room here is what slows a fast upload down. */
export async function takeAll(
  posting: Posting,
  items: AsyncIterable<IncomingItem> | Iterable<IncomingItem> = posting.items,
): Promise<undefined> {
  const { context, entries } = posting
  for await (const item of items) {
    const isKnown = context.accepted?.has(entries.length) && !('invalid' in item)
    entries.push(isKnown ? { id: item.id, isKnown } : await taker(posting, item)())
  }
}

/** Judges an item, and returns what hands it to the invocation. */
export function taker({ context, invocation, keyOfRequest }: Posting, item: IncomingItem): () => Promise<Entry> {
  if ('invalid' in item) return async () => item
  const { event, id } = item
  const partitionKey = partitionKeyOf(context.request, item, context.settings.partitionKey, keyOfRequest)
  return async () => {
    try {
      await invocation.sendEvent(event, { partitionKey })
      return { id, event }
    } catch (error) {
      // No reason to stop: it stands in the report, and the others go on.
      return { id, event, rejection: error ?? new Error('sendEvent rejected without a reason.') }
    }
  }
}
