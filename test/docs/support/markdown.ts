import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../..', import.meta.url))

/** A fenced block of code. */
export interface Block {
  /** The page, from the root of the repository. */
  readonly page: string
  /** Of its first line of code, from 1. */
  readonly line: number
  /** What the fence says it is in; empty when it says nothing. */
  readonly language: string
  readonly code: string
  /** Words of the HTML comment on the line before the fence, such as `run`. */
  readonly marks: readonly string[]
}

/** A relative link, to a page, to a heading, or both. */
export interface Link {
  readonly line: number
  readonly target: string
}

export interface Page {
  /** From the root of the repository. */
  readonly path: string
  readonly blocks: readonly Block[]
  readonly links: readonly Link[]
  /** Of headings and of `<a id>`, as GitHub makes them. */
  readonly anchors: ReadonlySet<string>
}

/** Marks that the checker knows. */
export const knownMarks: ReadonlySet<string> = new Set(['run', 'continues'])

/** Generated from the sources, and held to them by a test of their own. */
const generated = ['docs/api/', 'docs/reference/']

/** What installs and builds make, which is not kept. */
const made = new Set(['node_modules', 'dist', 'coverage'])

/** Every Markdown page that is kept, from the root, generated ones among them. */
export function pagePaths(folder = ''): string[] {
  const paths = readdirSync(`${root}${folder}`, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}${entry.name}`
    if (entry.isDirectory()) return made.has(entry.name) || entry.name.startsWith('.') ? [] : pagePaths(`${path}/`)
    return entry.name.endsWith('.md') ? [path] : []
  })
  return paths.sort()
}

/** Whether the blocks of a page are written by hand. */
export function isWrittenByHand(path: string): boolean {
  return !generated.some((folder) => path.startsWith(folder))
}

export function readPage(path: string): Page {
  return parsePage(path, readFileSync(`${root}${path}`, 'utf8'))
}

export function parsePage(path: string, text: string): Page {
  const blocks: Block[] = []
  const links: Link[] = []
  const anchors = new Set<string>()
  const lines = text.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ''
    if (/^ *~~~/.test(line)) throw new Error(`${path}:${at + 1}: blocks of code are fenced by three backticks.`)
    const [, indent = '', fence, language = ''] = /^( *)(`{3,})(.*)$/.exec(line) ?? []
    if (fence !== undefined) {
      const end = lines.findIndex((other, i) => i > at && other.trim() === fence)
      if (end === -1) throw new Error(`${path}:${at + 1}: this block of code has no end.`)
      const code = lines
        .slice(at + 1, end)
        .map((other) => (other.startsWith(indent) ? other.slice(indent.length) : other))
      const marks = marksOf(lines[at - 1] ?? '', `${path}:${at}`)
      blocks.push({ page: path, line: at + 2, language: language.trim(), code: code.join('\n'), marks })
      at = end
      continue
    }
    for (const anchor of anchorsOf(line, anchors)) anchors.add(anchor)
    links.push(...targetsOf(line).map((target) => ({ line: at + 1, target })))
  }
  return { path, blocks, links, anchors }
}

/** `<!-- run continues -->`. A comment in any other form would be a mark that nobody heeds. */
function marksOf(line: string, at: string): string[] {
  if (!line.includes('<!--') && !line.includes('-->')) return []
  const [, words] = /^ *<!-- (?<words>[a-z -]+) -->$/.exec(line) ?? []
  if (words === undefined) throw new Error(`${at}: marks of a block are words in one comment, such as <!-- run -->.`)
  return words.split(' ')
}

function anchorsOf(line: string, taken: ReadonlySet<string>): string[] {
  const named = [...line.matchAll(/<a (?:id|name)="(?<id>[^"]+)"/g)].map(({ groups }) => groups?.id ?? '')
  const [, heading] = /^#{1,6} +(?<text>.*)$/.exec(line) ?? []
  if (heading === undefined) return named
  const slug = slugOf(heading)
  let unique = slug
  for (let i = 1; taken.has(unique); i++) unique = `${slug}-${i}`
  return [...named, unique]
}

/** As GitHub does: lower case, no punctuation but hyphens and underscores, a hyphen for each space. */
export function slugOf(heading: string): string {
  return heading
    .replace(/\[(?<text>[^\]]*)\]\([^)]*\)/g, '$<text>')
    .replaceAll('`', '')
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-')
}

/** Where the links, references and pictures of a line lead, without those to other sites. */
function targetsOf(line: string): string[] {
  const plain = line.replace(/(?<ticks>`+)(?!`).*?(?<!`)\k<ticks>(?!`)/g, (code) => 'x'.repeat(code.length))
  const found = [
    ...plain.matchAll(/\]\((?<target>[^)\s]+)(?: "[^"]*")?\)/g),
    ...plain.matchAll(/^ *\[[^\]]+\]: +(?<target>\S+)/g),
    ...plain.matchAll(/ (?:href|src|srcset)="(?<target>[^"]+)"/g),
  ]
  return found.map(({ groups }) => groups?.target ?? '').filter((target) => !/^[a-z][a-z0-9+.-]*:/i.test(target))
}
