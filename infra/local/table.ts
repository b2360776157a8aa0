/** Rows as a table for people: columns as wide as their longest cell, but no wider than `maxColumnWidth`. */
export function table(header: readonly string[], rows: readonly (readonly string[])[], maxColumnWidth = 64): string {
  const cut = (cell: string) => (cell.length > maxColumnWidth ? `${cell.slice(0, maxColumnWidth - 1)}…` : cell)
  const lines = [header, ...rows].map((row) => row.map(cut))
  const widths = header.map((_, column) => Math.max(...lines.map((row) => row[column]?.length ?? 0)))
  const render = (row: readonly string[]) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd()
  const [head = [], ...body] = lines
  return [render(head), `  ${widths.map((width) => '─'.repeat(width)).join('  ')}`, ...body.map(render)].join('\n')
}

/** Text on one line, with control characters made visible; bytes that are no text in hexadecimal. */
export function preview(bytes: Uint8Array): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not reach a terminal.
    return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')
  } catch {
    return `<${[...bytes.subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')}${bytes.length > 16 ? ' …' : ''}>`
  }
}
