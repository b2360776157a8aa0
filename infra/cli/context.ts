import type { Command } from 'commander'
import type { CliEnvironment } from './environment.js'
import { type ExitCode, exitCodes } from './exit-codes.js'

/** What all commands of one run share. */
export interface CliContext {
  readonly environment: CliEnvironment
  /** What the process will end with; set by the command that ran. */
  exitCode: ExitCode
}

/** Options that every command has. */
export interface GlobalOptions {
  readonly json?: boolean
  readonly verbose?: boolean
}

/** Adds one command to the program. */
export type AddCommand = (program: Command, context: CliContext) => void

/** The action of a command: its exit code becomes that of the process. Options include the global ones. */
export function runsWith<O>(
  context: CliContext,
  action: (options: O & GlobalOptions, args: readonly string[], environment: CliEnvironment) => Promise<ExitCode>,
): (...given: unknown[]) => Promise<void> {
  return async (...given) => {
    const command = given.at(-1) as Command
    context.exitCode = exitCodes.failed
    context.exitCode = await action(command.optsWithGlobals(), command.args, context.environment)
  }
}
