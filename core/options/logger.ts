import type { Logger } from '../transport.js'
import { kindOf } from './checks.js'

const levels = ['debug', 'info', 'warn', 'error'] as const

const consoleLogger: Logger = {
  warn: (message) => console.warn(message),
  error: (message) => console.error(message),
}

/** The logger, checked, and unable to take events down with it. Without one, warnings and errors go to the console. */
export function parseLogger(name: string, logger: unknown): Logger {
  if (logger === undefined) return unfailing(consoleLogger)
  if (typeof logger !== 'object' || logger === null) {
    throw new TypeError(
      `${name} must be an object with any of the functions debug, info, warn and error, such as console; received ${kindOf(logger)}.`,
    )
  }
  for (const level of levels) {
    const value = (logger as Record<string, unknown>)[level]
    if (value !== undefined && typeof value !== 'function') {
      throw new TypeError(`${name}.${level} must be a function that takes one line; received ${kindOf(value)}.`)
    }
  }
  return unfailing(logger)
}

function unfailing(logger: Logger): Logger {
  const guard = (level: keyof Logger) => (message: string) => {
    try {
      logger[level]?.(message)
    } catch {
      // There is nowhere left to say so.
    }
  }
  return { debug: guard('debug'), info: guard('info'), warn: guard('warn'), error: guard('error') }
}
