import type { Socket } from 'node:net'
import type { Clock } from '../../../core/clock.js'

/** What became of an attempt to connect. */
export type Attempt =
  | { readonly kind: 'open'; readonly socket: Socket }
  | { readonly kind: 'refused' | 'silent' | 'unreachable' | 'failed'; readonly error: unknown }

const refused = new Set(['ECONNREFUSED', 'ECONNRESET'])
const unreachable = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'EHOSTDOWN', 'EADDRNOTAVAIL'])

/** Waits for a socket to connect. `silent` after `patienceInMs`, or when the system gives up by itself. */
export function attempt(socket: Socket, clock: Clock, patienceInMs: number, signal: AbortSignal): Promise<Attempt> {
  return new Promise((resolve) => {
    const settle = (attempt: Attempt) => {
      cancelTimer()
      signal.removeEventListener('abort', onAbort)
      if (attempt.kind !== 'open') socket.destroy()
      resolve(attempt)
    }
    const onAbort = () => settle({ kind: 'silent', error: signal.reason })
    const cancelTimer = clock.schedule(patienceInMs, () => settle({ kind: 'silent', error: undefined }))
    signal.addEventListener('abort', onAbort)
    // It stays: an error between two users of the socket must not be nobody's.
    socket.on('error', (error: NodeJS.ErrnoException) => settle({ kind: kindOf(error.code ?? ''), error }))
    socket.once('connect', () => settle({ kind: 'open', socket }))
  })
}

function kindOf(code: string): Exclude<Attempt['kind'], 'open'> {
  if (refused.has(code)) return 'refused'
  if (code === 'ETIMEDOUT') return 'silent'
  return unreachable.has(code) ? 'unreachable' : 'failed'
}
