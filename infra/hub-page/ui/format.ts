/** Numbers and times for people. */

export function number(value: number): string {
  return value.toLocaleString('en-US')
}

/** `7` events, `1` event. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : many}`
}

export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  const units = ['KiB', 'MiB', 'GiB']
  let value = bytes / 1024
  let unit = 0
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`
}

export function duration(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  return `${(ms / 1000).toFixed(ms < 9950 ? 2 : 1)} s`
}

export function time(at: number): string {
  const date = new Date(at)
  const two = (value: number): string => String(value).padStart(2, '0')
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  return `${clock}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

/** A hue for a key: the same key has the same everywhere. FNV-1a, mixed so that similar keys do not look alike. */
export function hue(key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39)
  return ((hash ^ (hash >>> 15)) >>> 0) % 360
}

/** Bytes as hex dump lines: offset, hexadecimal, text. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = []
  for (let offset = 0; offset < bytes.length; offset += 16) {
    const row = bytes.subarray(offset, offset + 16)
    const hex = [...row].map((byte) => byte.toString(16).padStart(2, '0'))
    const text = [...row].map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')).join('')
    const columns = `${hex.slice(0, 8).join(' ')}  ${hex.slice(8).join(' ')}`
    lines.push(`${offset.toString(16).padStart(6, '0')}  ${columns.padEnd(48)}  ${text}`)
  }
  return lines.join('\n')
}

/** Indented JSON; undefined when the text is none. */
export function prettyJson(text: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2)
  } catch {
    return undefined
  }
}

/** The text of UTF-8 bytes; undefined when they are none. `isCut`: the end may be in the middle of a character. */
export function utf8(bytes: Uint8Array, isCut: boolean): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: isCut })
  } catch {
    return undefined
  }
}

/**
 * A property as it was meant: `7` and `true` as what they are, anything else as text; `"7"` in quotes is a text, too.
 * So is a number that would not be the same afterwards, such as one of twenty digits.
 */
export function scalar(text: string): string | number | boolean {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'number') {
      return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value)) ? value : text
    }
    return typeof value === 'string' || typeof value === 'boolean' ? value : text
  } catch {
    return text
  }
}
