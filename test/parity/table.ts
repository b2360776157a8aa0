import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

export interface TestReference {
  /** Absolute. */
  readonly file: string
  readonly name: string
}

export interface ParityRow {
  readonly section: string
  readonly line: number
  readonly python: string
  readonly sluice: string
  readonly transports: string
  readonly tests: readonly TestReference[]
  /** What the last cell holds beside its references. */
  readonly rest: string
}

export const columns = ['Python', 'Sluice', 'Differences', 'On', 'Test']

/** Every row of every table in the page. Throws when a table or a row has other columns. */
export function readParityTable(file: string): ParityRow[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  const files = linkTargets(lines, dirname(file))
  const rows: ParityRow[] = []
  let section = ''
  for (const [at, line] of lines.entries()) {
    if (line.startsWith('## ')) section = line.slice(3)
    if (!line.startsWith('|')) continue
    const cells = cellsOf(line)
    if (cells.every((cell) => /^:?-+:?$/.test(cell))) continue
    const isHeader = /^\|(?:\s*:?-+:?\s*\|)+\s*$/.test(lines[at + 1] ?? '')
    if (cells.length !== columns.length || (isHeader && cells.join() !== columns.join())) {
      throw new Error(`Line ${at + 1} has not the columns ${columns.join(', ')}: ${line}`)
    }
    if (isHeader) continue
    const [python = '', sluice = '', , transports = '', test = ''] = cells
    rows.push({ section, line: at + 1, python, sluice, transports, ...referencesIn(test, files, at + 1) })
  }
  return rows
}

function cellsOf(line: string): string[] {
  const cells = line
    .trim()
    .slice(1, -1)
    .split(/(?<!\\)\|/)
  return cells.map((cell) => cell.trim().replaceAll('\\|', '|'))
}

/** `[client]: ../test/unit/core/client.test.ts` */
function linkTargets(lines: readonly string[], folder: string): ReadonlyMap<string, string> {
  const found = lines.flatMap((line) => {
    const [, label, target] = /^\[([^\]]+)\]:\s*(\S+)$/.exec(line) ?? []
    return label === undefined || target === undefined ? [] : [[label, resolve(folder, target)] as const]
  })
  return new Map(found)
}

/** `[client] "name of a test"`, and more names of the same file behind commas. */
function referencesIn(cell: string, files: ReadonlyMap<string, string>, line: number) {
  const tests: TestReference[] = []
  const rest = cell.replace(/\[([^\]]+)\] ("[^"]+"(?:, "[^"]+")*)/g, (_, label: string, names: string) => {
    const file = files.get(label)
    if (file === undefined) throw new Error(`Line ${line} refers to [${label}], which the page does not define.`)
    tests.push(...[...names.matchAll(/"([^"]+)"/g)].map(([, name = '']) => ({ file, name })))
    return ''
  })
  return { tests, rest: rest.replaceAll('<br>', '').trim() }
}

/** The names of the tests in a file, as they are written there; the seed of a random one is left out. */
export function testNamesIn(source: string): Set<string> {
  const call = /(?:\b(?:test|it)(?:\.\w+)?|\))\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1,/g
  const seed = / \(SEED=\$\{seed\}\)$/
  return new Set([...source.matchAll(call)].map(([, , name = '']) => name.replaceAll(/\\(.)/g, '$1').replace(seed, '')))
}
