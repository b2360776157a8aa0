const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const openBracket = 0x5b
const backslash = 0x5c
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/**
 * The raw texts of a JSON array's elements, or of an object's names and values in turn.
 *
 * Events travel as the text that their sender wrote: parsing and writing anew would round integers beyond
 * 2^53 and drop duplicate names. `text` must be valid JSON (parse it first) and its value an array or object.
 */
export function topLevelParts(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let start = 0
  for (let index = 0; index < text.length; index++) {
    switch (text.charCodeAt(index)) {
      case quote:
        index = closeOfString(text, index)
        break
      case openBracket:
      case openBrace:
        depth += 1
        if (depth === 1) start = index + 1
        break
      case closeBracket:
      case closeBrace:
        depth -= 1
        if (depth === 0) addPart(parts, text.slice(start, index))
        break
      case comma:
      case colon:
        if (depth === 1) {
          addPart(parts, text.slice(start, index))
          start = index + 1
        }
    }
  }
  return parts
}

/** The raw text of a member's value, out of `topLevelParts` of an object; undefined when there is no such member. */
export function rawMember(parts: readonly string[], name: string): string | undefined {
  const index = parts.findIndex((part, position) => position % 2 === 0 && JSON.parse(part) === name)
  return index === -1 ? undefined : parts[index + 1]
}

/** Only an empty array or object has an empty part. */
function addPart(parts: string[], raw: string): void {
  const part = raw.trim()
  if (part !== '') parts.push(part)
}

/** The index of the quote that closes the string opened at `open`. */
function closeOfString(text: string, open: number): number {
  let close = text.indexOf('"', open + 1)
  while (close !== -1 && isEscaped(text, close)) close = text.indexOf('"', close + 1)
  return close === -1 ? text.length : close
}

/** A quote is escaped when an odd number of backslashes stands before it. */
function isEscaped(text: string, at: number): boolean {
  let backslashes = 0
  while (text.charCodeAt(at - 1 - backslashes) === backslash) backslashes += 1
  return backslashes % 2 === 1
}
