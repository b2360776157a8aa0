import { parseMediaType } from './media-type.js'
import { isTimestamp } from './timestamp.js'
import { isUri, isUriReference } from './uri.js'

/** What an attribute of a CloudEvent may hold here. */
export type AttributeValue = string | number | boolean

/** A valid CloudEvent 1.0. */
export interface CloudEvent {
  /** Every attribute that is set, by name, extensions included. */
  readonly attributes: Readonly<Record<string, AttributeValue>>
  /** Text goes out as its UTF-8 bytes. `undefined`: the event has no data. */
  readonly data: string | Uint8Array | undefined
  /** The media type of `data`, where the event names or implies one. */
  readonly dataContentType: string | undefined
}

/** Why a candidate is no CloudEvent. The words repeat nothing of the event but the names that the specification gives. */
export interface InvalidCloudEvent {
  readonly invalid: string
  readonly id?: string | undefined
}

const attributeName = /^[a-z0-9]+$/
/** Control characters, noncharacters and surrogates out of pairs: barred from strings (CloudEvents 1.0, "Type System"). */
const barredCharacter = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u
const largestInteger = 2 ** 31 - 1
const smallestInteger = -(2 ** 31)

/**
 * Checks attributes against CloudEvents 1.0 and its type system. `null` is unset, as the JSON format says.
 * Values of HTTP headers stay strings: the canonical form, which every consumer must take.
 */
export function parseAttributes(
  entries: Iterable<readonly [name: string, value: unknown]>,
): { readonly attributes: Readonly<Record<string, AttributeValue>> } | InvalidCloudEvent {
  const attributes: Record<string, AttributeValue> = Object.create(null)
  let invalid: string | undefined
  for (const [name, value] of entries) {
    const reason = whyNotName(name) ?? whyNotValue(value)
    if (reason !== undefined) invalid ??= reason
    else if (isAttributeValue(value)) attributes[name] = value
  }
  invalid ??= whyNotRequired(attributes) ?? whyNotOptional(attributes)
  if (invalid === undefined) return { attributes }
  return { invalid, ...(isNonEmptyString(attributes.id) ? { id: attributes.id } : {}) }
}

function whyNotName(name: string): string | undefined {
  if (attributeName.test(name) && name !== 'data') return undefined
  return "An attribute's name may hold only lower-case letters a to z and digits, and may not be data."
}

function whyNotValue(value: unknown): string | undefined {
  if (value === null || value === undefined || typeof value === 'boolean') return undefined
  if (typeof value === 'number') {
    if (Number.isInteger(value) && value >= smallestInteger && value <= largestInteger) return undefined
    return "An attribute's number must be a whole number of 32 bits. Send others as strings."
  }
  if (typeof value !== 'string') return "An attribute's value must be a string, a whole number, a boolean or null."
  return barredCharacter.test(value) ? "An attribute's value holds a character that CloudEvents bars." : undefined
}

function isAttributeValue(value: unknown): value is AttributeValue {
  return value !== null && value !== undefined
}

function whyNotRequired(attributes: Readonly<Record<string, AttributeValue>>): string | undefined {
  for (const name of ['id', 'source', 'type', 'specversion']) {
    if (!isNonEmptyString(attributes[name])) return `The attribute ${name} is required and must be a non-empty string.`
  }
  if (attributes.specversion !== '1.0') return 'specversion must be 1.0.'
  return isUriReference(String(attributes.source)) ? undefined : 'source must be a URI-reference (RFC 3986).'
}

const optionalForms: readonly [name: string, isValid: (text: string) => boolean, form: string][] = [
  ['subject', (text) => text !== '', 'a non-empty string'],
  ['time', isTimestamp, 'an RFC 3339 timestamp, such as 2018-04-05T17:31:00Z'],
  ['dataschema', isUri, 'an absolute URI (RFC 3986)'],
  ['datacontenttype', isContentType, 'a media type, such as application/json'],
]

function whyNotOptional(attributes: Readonly<Record<string, AttributeValue>>): string | undefined {
  for (const [name, isValid, form] of optionalForms) {
    const value = attributes[name]
    if (value !== undefined && !(typeof value === 'string' && isValid(value))) return `${name} must be ${form}.`
  }
  return undefined
}

/** It becomes an AMQP symbol, which is ASCII. */
export function isContentType(text: string): boolean {
  return /^[\x20-\x7e]+$/.test(text) && parseMediaType(text) !== undefined
}

function isNonEmptyString(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** Whether text survives as UTF-8: half a surrogate pair would arrive as a replacement character. */
export function isWellFormed(text: string): boolean {
  return !/\p{Cs}/u.test(text)
}
