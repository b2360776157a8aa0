import type { Logger } from '../../core/options.js'

export type { Logger }

export const consoleLogger: Logger = {
  warn: (message) => console.warn(message),
  error: (message) => console.error(message),
}

/** The whole error in the log, but for words that may be an event's; callers only ever see a general sentence. */
export function logError(logger: Logger, what: string, error: unknown): void {
  logger.error?.(`${what}: ${error instanceof Error ? textOf(error) : typeof error}`)
}

function textOf(error: Error): string {
  const { name, message, stack = `${name}: ${message}` } = error
  // Engines quote what could not be parsed, and an operator's function parses events.
  return error instanceof SyntaxError && message !== '' ? stack.replace(message, () => '(left out)') : stack
}
