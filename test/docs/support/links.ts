import { existsSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { type Page, readPage, root } from './markdown.js'

/** What is wrong with the links of some pages. */
export function brokenLinks(pages: readonly Page[]): string[] {
  const known = new Map(pages.map((page) => [page.path, page]))
  return pages.flatMap((page) =>
    page.links.flatMap(({ line, target }) => {
      const [path = '', anchor] = target.split('#')
      const to = path === '' ? page.path : normalize(join(dirname(page.path), decodeURIComponent(path)))
      const problem = problemOf(to, anchor, known)
      return problem === undefined ? [] : [`${page.path}:${line}: ${target}: ${problem}`]
    }),
  )
}

function problemOf(path: string, anchor: string | undefined, known: ReadonlyMap<string, Page>): string | undefined {
  const page = known.get(path)
  if (path.startsWith('..')) return 'leads out of the repository.'
  if (page === undefined && !existsSync(join(root, path))) return 'there is no such file.'
  if (anchor === undefined) return undefined
  if (!path.endsWith('.md')) {
    // Lines of a source move; a page can be held to its headings.
    return statSync(join(root, path)).isDirectory() ? 'a folder has no headings.' : 'only Markdown has headings.'
  }
  const { anchors } = page ?? readPage(path)
  return anchors.has(anchor) ? undefined : `there is no heading "${anchor}". There are: ${[...anchors].join(', ')}.`
}
