import { EventHubError } from '../../core/index.js'
import { CliError } from './cli-error.js'
import { printable } from './printable.js'

/** An error for standard error: a sentence, or, where more was asked for, all there is. It may quote a peer: see `printable`. */
export function describeError(error: unknown, isVerbose = false): string {
  return isVerbose ? verbosely(error).split('\n').map(printable).join('\n') : printable(explain(error))
}

/** One sentence, or what the client says, that tells what to do. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof CliError || error instanceof EventHubError || !isSystemError(error)) return error.message
  const { code, path } = error
  const file = path === undefined ? 'The file' : `'${path}'`
  switch (code) {
    case 'ENOENT':
      return `${file} does not exist. Check the path.`
    case 'EACCES':
    case 'EPERM':
      return `${file} may not be opened by this user. Check its permissions.`
    case 'EISDIR':
      return `${file} is a folder. Name a file.`
    case 'ENOSPC':
      return `The disk is full. Make room and run the same command again.`
    default:
      return error.message
  }
}

/** Whether the system said no: to open a file, to listen, to connect. */
export function isSystemError(error: Error): error is NodeJS.ErrnoException {
  return typeof (error as NodeJS.ErrnoException).code === 'string' && 'syscall' in error
}

function verbosely(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const details = error instanceof EventHubError ? ` [${error.code}, ${error.outcome}]` : ''
  const cause = error.cause === undefined ? '' : `\nCaused by: ${verbosely(error.cause)}`
  return `${error.stack ?? error.message}${details}${cause}`
}
