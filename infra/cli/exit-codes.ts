/** What the process ends with. Documented in docs/command-line.md; scripts depend on these, so none changes its meaning. */
export const exitCodes = {
  /** Everything that was asked for was done. */
  done: 0,
  /** It could not be done, and the same command would fail again until what the message names is mended. */
  failed: 1,
  /** The command line itself is wrong: an unknown command, option or value. */
  usage: 2,
  /** `send`: all records were dealt with, and some were refused; they are in the dead-letter file. */
  deadLettered: 3,
  /** `send`: not everything was sent. The same command goes on from there. */
  incomplete: 4,
  /** Stopped by Ctrl+C (128 + SIGINT). */
  interrupted: 130,
  /** Stopped by SIGTERM (128 + SIGTERM). */
  terminated: 143,
} as const

/** One of `exitCodes`. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** The code for a command that a signal ended. */
export function exitCodeOf(signal: StopSignal): ExitCode {
  return signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated
}

/** The signals that ask a command to stop. */
export type StopSignal = 'SIGINT' | 'SIGTERM'
