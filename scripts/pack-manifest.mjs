// Swaps package.json for the one that users get while `npm pack` runs (`prepare`), and back (`restore`).
// In the repository `main` is the Functions app, which is how the Functions host finds it; users get the library.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'

const manifest = new URL('../package.json', import.meta.url)
const backup = new URL('../package.json.unpacked', import.meta.url)
const scratch = new URL('../package.json.packing', import.meta.url)

/** Renames, so that no step leaves half a file behind; the backup is the original, byte for byte. */
function restore() {
  if (existsSync(backup)) renameSync(backup, manifest)
}

function prepare() {
  // A run that died half-way left the users' manifest in place of ours.
  restore()
  const original = readFileSync(manifest)
  writeFileSync(scratch, original)
  renameSync(scratch, backup)
  writeFileSync(scratch, `${JSON.stringify(forUsers(JSON.parse(original.toString('utf8'))), null, 2)}\n`)
  renameSync(scratch, manifest)
}

/** The manifest without what only this repository needs. */
function forUsers({ scripts: _scripts, devDependencies: _devDependencies, ...published }) {
  const main = published.exports['.'].default
  const imports = Object.fromEntries(
    Object.entries(published.imports).map(([name, { 'sluice-source': _source, ...built }]) => [name, built]),
  )
  return { ...published, main, imports }
}

const commands = { prepare, restore }
const command = commands[process.argv[2]]
if (!command) {
  console.error('Usage: node scripts/pack-manifest.mjs prepare | restore')
  process.exit(2)
}
command()
