import { readdirSync, readFileSync } from 'node:fs'
import { root } from './markdown.js'

const folders = [
  '.',
  'core',
  'adapters',
  'infra',
  'scripts',
  'examples',
  'test',
  'node_modules/@azure/event-hubs/dist/esm',
]

/** Every word of the sources, and of what the official client declares. */
export function wordsOfSources(): ReadonlySet<string> {
  const words = new Set<string>()
  for (const folder of folders) {
    for (const file of filesIn(folder, folder !== '.')) {
      for (const [word] of readFileSync(`${root}${file}`, 'utf8').matchAll(/[A-Za-z_]\w+/g)) words.add(word)
    }
  }
  return words
}

function filesIn(folder: string, isDeep: boolean): string[] {
  return readdirSync(`${root}${folder}`, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    // The pages' own tests name what does not exist.
    if (entry.isDirectory()) {
      return isDeep && entry.name !== 'node_modules' && path !== 'test/docs' ? filesIn(path, true) : []
    }
    const isText = folder.startsWith('node_modules')
      ? entry.name.endsWith('.d.ts')
      : /\.(?:[cm]?[jt]s|jsonc?|ya?ml|bicep|py|sh)$/.test(entry.name) && entry.name !== 'package-lock.json'
    return isText ? [path] : []
  })
}
