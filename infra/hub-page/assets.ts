import { readFileSync } from 'node:fs'

export interface Asset {
  readonly type: string
  readonly content: Buffer
}

const files = {
  'index.html': 'text/html; charset=utf-8',
  'app.js': 'text/javascript; charset=utf-8',
  'app.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
  'LICENSE-preact.txt': 'text/plain; charset=utf-8',
} as const

/** The built files of the page, by name. Throws when they are not there, saying what to do. */
export function loadAssets(folder: URL): ReadonlyMap<string, Asset> {
  return new Map(Object.entries(files).map(([name, type]) => [name, { type, content: read(new URL(name, folder)) }]))
}

function read(file: URL): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new Error(`The local hub's page is not built: ${file.pathname} cannot be read. Run: npm run build`, {
      cause: error,
    })
  }
}
