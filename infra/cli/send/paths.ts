import { type Stats, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { usageError } from '../cli-error.js'
import type { SendCommandOptions } from './send-options.js'

/** Where a run writes to. */
export interface SendPaths {
  /** Undefined: none is kept. */
  readonly ledgerPath: string | undefined
  readonly deadLetterPath: string
}

/**
 * Finds the ledger and the dead-letter file of an input. No two of the three may be one file: a run would read what it
 * writes, or write over what it reads.
 *
 * @throws CliError `usage`; what the system says where there is no such input
 */
export function pathsFor(
  file: string,
  { ledger, deadLetter }: Pick<SendCommandOptions, 'ledger' | 'deadLetter'>,
): SendPaths {
  const input = file === '-' ? undefined : statSync(file)
  if (input?.isDirectory()) throw usageError(`'${file}' is a folder. Name a file, or - for standard input.`)
  // What cannot be read again from its start has no ledger unless somebody says that it can.
  const isRegular = input?.isFile() === true
  const byDefault = isRegular ? `${file}.sluice-ledger` : undefined
  const ledgerPath = ledger === false ? undefined : (ledger ?? byDefault)
  const deadLetterPath = deadLetter ?? `${isRegular ? file : 'stdin'}.dead-letter.ndjson`
  if (ledgerPath !== undefined) {
    const found = statOf(ledgerPath)
    if (found !== undefined && !found.isFile()) {
      throw usageError(`The ledger '${ledgerPath}' is no file. Name one with --ledger, or keep none: --no-ledger.`)
    }
    if (isRegular && isSame(ledgerPath, file)) throw isInput('--ledger')
    if (isSame(ledgerPath, deadLetterPath)) {
      throw usageError('--ledger and --dead-letter name the same file. Give each its own.')
    }
  }
  if (isRegular && isSame(deadLetterPath, file)) throw isInput('--dead-letter')
  return { ledgerPath, deadLetterPath }
}

/** By whatever name, also where neither exists yet. */
function isSame(path: string, other: string): boolean {
  const [one, two] = [statOf(path), statOf(other)]
  if (one === undefined || two === undefined) return resolve(path) === resolve(other)
  return one.dev === two.dev && one.ino === two.ino
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false })
}

function isInput(option: string): Error {
  return usageError(`${option} names the file that is to be sent. Name another.`)
}
