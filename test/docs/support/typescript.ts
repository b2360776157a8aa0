import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { type Block, root } from './markdown.js'

/** The sources of each entry of the package, by the name that users import. */
export const entries: Readonly<Record<string, string>> = entriesOf(
  JSON.parse(readFileSync(`${root}package.json`, 'utf8')),
)

function entriesOf({ name, exports }: { name: string; exports: Record<string, string | { types: string }> }) {
  const sources = Object.entries(exports).flatMap(([entry, to]) =>
    typeof to === 'string'
      ? []
      : [[`${name}${entry.slice(1)}`, to.types.replace('./dist/', '').replace('.d.ts', '.ts')] as const],
  )
  return Object.fromEntries(sources)
}

/** Blocks that TypeScript reads, by language. */
const extensions: Readonly<Record<string, string>> = { ts: 'ts', js: 'js' }

export function isTypeScript({ language }: Block): boolean {
  return language in extensions
}

/** A block as a file of its own, with the blocks before it that it continues. */
export interface Program {
  /** Of the file, without its ending. */
  readonly name: string
  readonly block: Block
  readonly code: string
  /** For each line of `code`, the page's line; undefined for what stands in no page. */
  readonly lines: readonly number[]
}

/** The TypeScript blocks of a page as programs, each by itself. Throws when one continues nothing. */
export function programsOf(blocks: readonly Block[]): Program[] {
  const programs: Program[] = []
  for (const block of blocks.filter(isTypeScript)) {
    const before = block.marks.includes('continues') ? programs.at(-1) : undefined
    if (block.marks.includes('continues') && before?.block.language !== block.language) {
      throw new Error(`${block.page}:${block.line}: this block continues none: the one before is in another language.`)
    }
    const own = block.code.split('\n')
    const lines = [...(before?.lines ?? []), ...own.map((_, i) => block.line + i)]
    const code = before === undefined ? block.code : `${before.code}\n${block.code}`
    const name = `${block.page.replaceAll(/[^a-z0-9]+/gi, '-')}-${block.line}`
    programs.push({ name, block, code, lines })
  }
  return programs
}

/** Runs tsc once over all of them, against the sources. Each problem with the page and line where it is. */
export async function typeErrors(programs: readonly Program[]): Promise<string[]> {
  await mkdir(`${root}.cache`, { recursive: true })
  const folder = await mkdtemp(`${root}.cache/docs-types-`)
  try {
    const paths = Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, [`${root}${file}`]]))
    const compilerOptions = {
      noEmit: true,
      rootDir: '../..',
      allowJs: true,
      checkJs: true,
      paths,
      moduleDetection: 'force',
      // A block shows one thing; what it leaves unused is not its point.
      noUnusedLocals: false,
      noUnusedParameters: false,
    }
    const include = ['./*', `${root}test/docs/support/not-installed.d.ts`]
    await writeFile(
      `${folder}/tsconfig.json`,
      JSON.stringify({ extends: '../../tsconfig.json', compilerOptions, include }),
    )
    for (const { name, block, code } of programs) {
      await writeFile(`${folder}/${name}.${extensions[block.language]}`, `${code}\n`)
    }
    const args = [`${root}node_modules/typescript/bin/tsc`, '-p', folder, '--pretty', 'false']
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder }).catch(
      (error: { stdout: string }) => error,
    )
    return inPages(stdout, programs)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What tsc says of `README-md-61.ts(3,7)`, as of the page. */
function inPages(output: string, programs: readonly Program[]): string[] {
  const known = new Map(programs.map((program) => [program.name, program]))
  const problems: string[] = []
  for (const line of output.split('\n').filter((text) => text !== '')) {
    const [, name = '', at, message] =
      /^(?:.*\/)?(?<name>[^/(]+)\.[jt]s\((?<line>\d+),\d+\): (?<message>.*)$/.exec(line) ?? []
    const program = known.get(name)
    // Further lines of a message are indented.
    if (program === undefined) problems.push(line.startsWith(' ') ? `${problems.pop()}\n${line}` : line)
    else problems.push(`${program.block.page}:${program.lines[Number(at) - 1] ?? program.block.line}: ${message}`)
  }
  return [...new Set(problems)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
}
