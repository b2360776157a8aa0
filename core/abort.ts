import { abortedError } from './errors.js'

interface Waiters {
  readonly callbacks: Set<() => void>
  readonly listener: () => void
}

/** One listener per signal, however many wait for it: platforms warn of a leak from the eleventh on. */
const waitersOf = new WeakMap<AbortSignal, Waiters>()

/** Runs `callback` when the signal aborts, at once if it has. Returns what takes the callback back. */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal === undefined) return () => {}
  if (signal.aborted) {
    callback()
    return () => {}
  }
  const waiters = waitersOf.get(signal) ?? listen(signal)
  // A wrapper of its own, so that the same function may wait twice.
  const entry = () => callback()
  waiters.callbacks.add(entry)
  return () => {
    if (!waiters.callbacks.delete(entry) || waiters.callbacks.size > 0) return
    signal.removeEventListener('abort', waiters.listener)
    waitersOf.delete(signal)
  }
}

function listen(signal: AbortSignal): Waiters {
  const callbacks = new Set<() => void>()
  const listener = () => {
    waitersOf.delete(signal)
    for (const callback of [...callbacks]) {
      // One may take another back.
      if (callbacks.delete(callback)) callback()
    }
  }
  const waiters = { callbacks, listener }
  waitersOf.set(signal, waiters)
  signal.addEventListener('abort', listener, { once: true })
  return waiters
}

/** A signal that aborts with the first of two, for the reason of that one; `release` lets go of both. */
export function joinSignals(
  one: AbortSignal | undefined,
  other: AbortSignal,
): { readonly signal: AbortSignal; release(): void } {
  const joined = new AbortController()
  const releases = [one, other].map((signal) => onAbort(signal, () => joined.abort(abortedError(signal?.reason))))
  return {
    signal: joined.signal,
    release: () => {
      for (const release of releases) release()
    },
  }
}
