import { InvalidArgumentError } from 'commander'

/** Reads the value of an option as a whole number; for `option(…, wholeNumber(1))`. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const number = Number(text)
    if (/^\d{1,16}$/.test(text) && number >= least && number <= most) return number
    const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`
    throw new InvalidArgumentError(`It must be a whole number ${range}.`)
  }
}

/** Reads the value of an option as a port; 0 takes any that is free. */
export const portNumber = wholeNumber(0, 65_535)

/** Collects an option that may be given several times, in place of its default. */
export function collected(): (text: string, before: readonly string[] | undefined) => readonly string[] {
  let isFirst = true
  return (text, before) => {
    const list = isFirst ? [] : (before ?? [])
    isFirst = false
    return [...list, text]
  }
}
