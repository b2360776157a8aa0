import { CommanderError } from 'commander'
import { CliError } from './cli-error.js'
import type { CliContext } from './context.js'
import type { CliEnvironment } from './environment.js'
import { type ExitCode, exitCodes } from './exit-codes.js'
import { describeError, isSystemError } from './explain.js'
import { createProgram } from './program.js'

/** Runs one command line, such as `['send', 'orders.ndjson']`. Never rejects; resolves with the exit code. */
export async function runCli(args: readonly string[], environment: CliEnvironment): Promise<ExitCode> {
  const context: CliContext = { environment, exitCode: exitCodes.done }
  const program = createProgram(context)
  try {
    // No command at all asks what there is.
    await program.parseAsync(args.length === 0 ? ['--help'] : [...args], { from: 'user' })
    return context.exitCode
  } catch (error) {
    // Commander has written its own sentence, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
    environment.stderr.write(`sluice: ${describeError(error, args.includes('--verbose'))}\n`)
    return exitCodeFor(error)
  }
}

function exitCodeFor(error: unknown): ExitCode {
  if (error instanceof CliError) return error.exitCode
  // What the client says of arguments that cannot work.
  const isWrongCall = error instanceof TypeError || error instanceof RangeError
  return isWrongCall && !isSystemError(error) ? exitCodes.usage : exitCodes.failed
}
