import { printable } from '../cli/printable.js'

/** Rows as a table for people: columns as wide as their longest cell, but no wider than `maxColumnWidth`. */
export function table(header: readonly string[], rows: readonly (readonly string[])[], maxColumnWidth = 64): string {
  const cut = (cell: string) => (cell.length > maxColumnWidth ? `${cell.slice(0, maxColumnWidth - 1)}…` : cell)
  const lines = [header, ...rows].map((row) => row.map((cell) => cut(printable(cell))))
  const widths = header.map((_, column) => Math.max(...lines.map((row) => row[column]?.length ?? 0)))
  const render = (row: readonly string[]) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd()
  const [head = [], ...body] = lines
  return [render(head), `  ${widths.map((width) => '─'.repeat(width)).join('  ')}`, ...body.map(render)].join('\n')
}

/** Text on one line, which does nothing to a terminal; bytes that are no text in hexadecimal. */
export function preview(bytes: Uint8Array): string {
  try {
    return printable(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return `<${[...bytes.subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')}${bytes.length > 16 ? ' …' : ''}>`
  }
}
