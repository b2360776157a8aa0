import type { IncomingEvent } from './incoming.js'
import type { Settings } from './options.js'
import { ProblemError } from './problem.js'

/**
 * The key that the request gives all its events: the header `x-partition-key`, else `?partitionKey=`.
 * An empty one is none.
 */
export function partitionKeyOfRequest(request: Request, url: URL): string | undefined {
  const header = request.headers.get('x-partition-key')
  if (header !== null && header !== '') {
    // Headers are bytes without a charset: hashing a guess would route the key apart from other producers.
    if (!/^[\x20-\x7e]+$/.test(header)) {
      throw new ProblemError(
        'invalid-partition-key',
        'x-partition-key may hold printable ASCII only. Send other keys as ?partitionKey=, percent-encoded.',
      )
    }
    return header
  }
  return url.searchParams.get('partitionKey') || undefined
}

/** One event's key. From first to last: the operator's function, the event's own, the request's. An empty one is none. */
export function partitionKeyOf(
  request: Request,
  { incoming, partitionKey: own }: { readonly incoming: IncomingEvent; readonly partitionKey?: string | undefined },
  partitionKey: Settings['partitionKey'],
  keyOfRequest: string | undefined,
): string | undefined {
  const decided: unknown = partitionKey?.(request, incoming)
  if (typeof decided !== 'string' && decided !== undefined && decided !== null) {
    throw new TypeError(`options.partitionKey must return a string or undefined; it returned a ${typeof decided}.`)
  }
  return decided || own || keyOfRequest
}
