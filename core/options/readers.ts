import { duration, flag, oneOf, refuseUnknownOptions, whole } from './checks.js'

/** How the value of one option is checked and completed. `name` is what messages call it. */
export type Reader<T = unknown> = (name: string, value: unknown) => T

/** A reader for each option of `Options`, and for nothing else. */
export type ReadersOf<Options> = { readonly [Name in keyof Required<Options>]: Reader }

type Read<Readers> = { readonly [Name in keyof Readers]: Readers[Name] extends Reader<infer T> ? T : never }

/**
 * The options that `readers` name, each as its reader leaves it; any other name is refused.
 *
 * @param where as for `refuseUnknownOptions`
 */
export function readOptions<const Readers extends Readonly<Record<string, Reader>>>(
  where: string,
  options: unknown,
  readers: Readers,
): Read<Readers> {
  refuseUnknownOptions(where, options, new Set(Object.keys(readers)))
  const path = where === 'options' || where.includes(' ') ? '' : `${where}.`
  return Object.fromEntries(
    Object.entries(readers).map(([name, read]) => [
      name,
      read(path + name, (options as Record<string, unknown>)[name]),
    ]),
  ) as Read<Readers>
}

export const wholeOf =
  (byDefault: number, min = 1): Reader<number> =>
  (name, value) =>
    whole(name, value, byDefault, min)

/** In milliseconds. */
export const durationOf =
  (byDefault: number, min = 0): Reader<number> =>
  (name, value) =>
    duration(name, value, byDefault, min)

export const flagOf =
  (byDefault: boolean): Reader<boolean> =>
  (name, value) =>
    flag(name, value, byDefault)

/** The first one is the default. */
export const wordOf =
  <const Words extends readonly [string, ...string[]]>(...words: Words): Reader<Words[number]> =>
  (name, value) =>
    oneOf(name, value, words)

/** A known name whose value is read elsewhere: what comes of it here is nothing, above all no copy of a secret. */
export const readElsewhere = (): undefined => undefined

/** Checked elsewhere. */
export const asGiven = <T>(_name: string, value: unknown) => value as T

/** With no default: undefined stays undefined. */
export const optional =
  <T>(read: Reader<T>): Reader<T | undefined> =>
  (name, value) =>
    value === undefined ? undefined : read(name, value)
