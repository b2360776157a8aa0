import type { EventHubProducerClientOptions } from '../../core/options.js'

/** Where lines of diagnostics go, one at a time. Never given a secret or an event's body. */
export type Logger = NonNullable<EventHubProducerClientOptions['logger']>

export const consoleLogger: Logger = {
  warn: (message) => console.warn(message),
  error: (message) => console.error(message),
}

/** The whole error on one line of the log; callers only ever see a general sentence. */
export function logError(logger: Logger, what: string, error: unknown): void {
  logger.error?.(
    `${what}: ${error instanceof Error ? (error.stack ?? `${error.name}: ${error.message}`) : typeof error}`,
  )
}
