import { nearestName } from './names.js'

/** How a message names a wrong value: by its kind, since the value itself may be a secret or an event's body. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'an array'
  if (typeof value !== 'object') return `a ${typeof value}`
  const tag = Object.prototype.toString.call(value).slice('[object '.length, -1)
  if (tag === 'Object' || !/^[A-Za-z]\w{0,30}$/.test(tag)) return 'an object'
  return `${/^[AEIO]/.test(tag) ? 'an' : 'a'} ${tag}`
}

/** As `kindOf`, with the value where a number was asked for and it can be no secret. */
function numberShown(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  // Environment variables are strings.
  if (typeof value === 'string' && /^[\d.+-]{1,20}$/.test(value)) return `the string '${value}'`
  return kindOf(value)
}

/** As `kindOf`, with the value where one of a few words was asked for and it is a word. */
function wordShown(value: unknown): string {
  return typeof value === 'string' && /^[A-Za-z][\w.-]{0,25}$/.test(value) ? `'${value}'` : kindOf(value)
}

/**
 * Refuses what is not an object of options, and names that are not options.
 *
 * @param where what the options are called in messages, such as `retryOptions`; `options` for the outermost ones
 */
export function refuseUnknownOptions(where: string, options: unknown, names: ReadonlySet<string>): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw notOptions(where, options, names)
  let isEmpty = true
  // Without a list of keys: this runs for each event that is sent.
  for (const name in options) {
    isEmpty = false
    if (!names.has(name)) throw unknownOption(where, name, names)
  }
  if (isEmpty) assertAreOptions(where, options, names)
}

/** Refuses what holds no options by name: null, a list, a number, a date, a map, a promise. */
export function assertAreOptions(where: string, options: unknown, names?: ReadonlySet<string>): void {
  if (kindOf(options) !== 'an object') throw notOptions(where, options, names)
}

function notOptions(where: string, options: unknown, names: ReadonlySet<string> | undefined): TypeError {
  const what = where.includes(' ') || where === 'options' ? `The ${where}` : where
  const such = names && names.size <= 8 ? ` with ${listed([...names])}` : ''
  return new TypeError(`${what} must be an object${such}; received ${kindOf(options)}.`)
}

function unknownOption(where: string, name: string, names: ReadonlySet<string>): TypeError {
  const place = where === 'options' ? '' : ` in ${where.includes(' ') ? `the ${where}` : where}`
  const near = nearestName(name, names)
  const help = near === undefined ? `Known: ${[...names].join(', ')}.` : `Did you mean ${near}?`
  return new TypeError(`Unknown option "${name}"${place}. ${help}`)
}

function listed(names: readonly string[]): string {
  return names.length === 1 ? names.join() : `any of ${names.join(', ')}`
}

/** A number of milliseconds from `min` up; `Infinity` is refused, since every wait here has an end. */
export function duration(name: string, value: unknown, byDefault: number, min = 0): number {
  if (value === undefined) return byDefault
  if (typeof value !== 'number' || !Number.isFinite(value) || value < min) {
    throw new RangeError(`${name} must be a number of milliseconds, at least ${min}; received ${numberShown(value)}.`)
  }
  return value
}

/** A whole number from `min` up. */
export function whole(name: string, value: unknown, byDefault: number, min: number): number {
  if (value === undefined) return byDefault
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min) {
    throw new RangeError(`${name} must be a whole number, at least ${min}; received ${numberShown(value)}.`)
  }
  return value
}

/** The first of `allowed` is the default. */
export function oneOf<const T extends readonly [string, ...string[]]>(
  name: string,
  value: unknown,
  allowed: T,
): T[number] {
  if (value === undefined) return allowed[0]
  if (typeof value === 'string' && allowed.includes(value)) return value
  const words = allowed.map((word) => `'${word}'`).join(', ')
  throw new TypeError(`${name} must be one of ${words}; received ${wordShown(value)}.`)
}

/** True or false, nothing like it. */
export function flag(name: string, value: unknown, byDefault: boolean): boolean {
  if (value === undefined) return byDefault
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be true or false; received ${wordShown(value)}.`)
  return value
}

/** A function, or undefined. */
export function optionalFunction<T>(name: string, value: unknown): T | undefined {
  if (value === undefined || typeof value === 'function') return value as T | undefined
  throw new TypeError(`${name} must be a function; received ${kindOf(value)}.`)
}

/** An `AbortSignal`; the controller is what is passed by mistake. */
export function abortSignal(name: string, value: unknown): AbortSignal | undefined {
  if (value === undefined) return undefined
  if (typeof (value as Partial<AbortSignal> | null)?.addEventListener === 'function') return value as AbortSignal
  const isController = typeof value === 'object' && value !== null && 'signal' in value
  throw new TypeError(
    `${name} must be an AbortSignal; received ${kindOf(value)}.${isController ? ' Of an AbortController, pass its signal.' : ''}`,
  )
}
