const structural = /["[\]{}:,]/g

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
  structural.lastIndex = 0
  for (let found = structural.exec(text); found !== null; found = structural.exec(text)) {
    const { index } = found
    switch (text[index]) {
      case '"':
        structural.lastIndex = endOfString(text, index)
        break
      case '[':
      case '{':
        depth += 1
        if (depth === 1) start = index + 1
        break
      case ']':
      case '}':
        depth -= 1
        if (depth === 0) addPart(parts, text.slice(start, index))
        break
      default:
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

/** The index after the quote that closes the string opened at `open`. */
function endOfString(text: string, open: number): number {
  let close = text.indexOf('"', open + 1)
  while (close !== -1 && isEscaped(text, close)) close = text.indexOf('"', close + 1)
  return close === -1 ? text.length : close + 1
}

/** A quote is escaped when an odd number of backslashes stands before it. */
function isEscaped(text: string, quote: number): boolean {
  let backslashes = 0
  while (text[quote - 1 - backslashes] === '\\') backslashes += 1
  return backslashes % 2 === 1
}
