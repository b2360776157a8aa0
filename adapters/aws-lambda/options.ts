import type { Context } from 'aws-lambda'

import { type Clock, systemClock } from '../../core/clock.js'
import type { Logger } from '../../core/options.js'
import type { Environment } from './environment.js'

export type { Logger }

/** What handlers take from the outside, for tests to replace. */
export interface Surroundings {
  readonly environment: Environment
  readonly clock: Clock
}

export const surroundings = (): Surroundings => ({ environment: process.env, clock: systemClock })

/** Refuses a value that is not one of `allowed`; undefined stands for the default. */
export function refuseOther(name: string, value: unknown, allowed: readonly string[]): void {
  if (value === undefined || (typeof value === 'string' && allowed.includes(value))) return
  throw new TypeError(`The option ${name} must be one of: ${allowed.join(', ')}.`)
}

export function refuseNonFunction(name: string, value: unknown): void {
  if (value === undefined || typeof value === 'function') return
  throw new TypeError(`The option ${name} must be a function; received ${value === null ? 'null' : typeof value}.`)
}

/** What a function may spend before it has a client, so that it still answers in time: all but the reserve. */
export function timeToConnectInMs(context: Context | undefined, reserveInMs: number | undefined): number | undefined {
  const remaining = remainingTimeInMs(context)
  if (remaining === undefined) return undefined
  return Math.max(0, remaining - (reserveInMs ?? Math.min(remaining / 10, longestReserveInMs)))
}

/** As the client's own default. */
const longestReserveInMs = 500

/** Never negative. Undefined where nothing says: a local run may bring no real context. */
export function remainingTimeInMs(context: Context | undefined): number | undefined {
  if (typeof context?.getRemainingTimeInMillis !== 'function') return undefined
  return Math.max(0, context.getRemainingTimeInMillis())
}
