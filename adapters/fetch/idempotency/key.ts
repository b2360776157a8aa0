/** RFC 8941's string: visible ASCII and spaces in quotes, with `\"` and `\\`. */
const quoted = /^"((?:[ !#-[\]-~]|\\["\\])*)"$/
/** What most senders use in its place: no quotes at all. Two headers would be joined by a comma, so it has none. */
const bare = /^[!#-+\--[\]-~]+$/

const longestInCharacters = 255

/** The key in an `Idempotency-Key` header, with or without its quotes; undefined when it is none. */
export function parseIdempotencyKey(header: string): string | undefined {
  const trimmed = header.trim()
  const text = quoted.exec(trimmed)?.[1]?.replace(/\\(.)/g, '$1') ?? bare.exec(trimmed)?.[0] ?? ''
  return text === '' || text.length > longestInCharacters ? undefined : text
}
