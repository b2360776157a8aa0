import type { Logger } from '../../core/options.js'

export type { Logger }

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
