/**
 * Characters that would do something to a terminal, or hide something from its reader: controls (C0, DEL, C1), line and
 * paragraph separators, marks that turn the direction of text, and halves of surrogate pairs.
 */
const unprintable = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\p{Cs}]/gu

const short: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
])

/** Text of others, such as a peer or an event, made safe for a terminal: on one line, nothing acted out, nothing hidden. */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => {
    const known = short.get(character)
    if (known !== undefined) return known
    const hex = (character.codePointAt(0) ?? 0).toString(16)
    return hex.length > 2 ? `\\u${hex.padStart(4, '0')}` : `\\x${hex.padStart(2, '0')}`
  })
}

/** The same for JSON, which it leaves as it is for a program: JSON has an escape of its own for each of them. */
export function printableJson(json: string): string {
  return json.replace(unprintable, (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`)
}
