import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const root = fileURLToPath(new URL('../../..', import.meta.url))
export const run = promisify(execFile)

export interface Manifest {
  readonly main: string
  readonly exports: Readonly<Record<string, unknown>>
  readonly imports: Readonly<Record<string, unknown>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly [other: string]: unknown
}

export interface PackedPackage {
  readonly tarball: string
  /** Where `npm pack` ran: a copy, because packing swaps package.json, which other tests are reading. */
  readonly repository: string
  /** A project with the tarball and its dependencies installed, and no optional peer. */
  readonly consumer: string
  /** The package inside the consumer. */
  readonly installed: string
  readonly manifest: Manifest
  remove(): Promise<void>
}

/** Runs the real `npm pack`, build and all, and installs what it made without a network. */
export async function packAndInstall(): Promise<PackedPackage> {
  const work = await mkdtemp(join(tmpdir(), 'sluice-package-'))
  const repository = join(work, 'repository')
  const consumer = join(work, 'consumer')
  const installed = join(consumer, 'node_modules/eventhub-sluice')
  await copyRepository(repository)
  // Under `npm test` the environment carries that run's own settings; packing must not depend on them.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')))
  await run('npm', ['pack', '--pack-destination', work], { cwd: repository, env })
  const tarballs = (await readdir(work)).filter((file) => file.endsWith('.tgz'))
  if (tarballs.length !== 1) throw new Error(`npm pack made ${tarballs.length} tarballs instead of one.`)
  const tarball = join(work, tarballs.join())
  await mkdir(installed, { recursive: true })
  await run('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1'])
  const manifest = await readJson<Manifest>(join(installed, 'package.json'))
  await linkPackages(Object.keys(manifest.dependencies ?? {}), consumer)
  await writeFile(join(consumer, 'package.json'), '{ "type": "module" }')
  return {
    tarball,
    repository,
    consumer,
    installed,
    manifest,
    remove: () => rm(work, { recursive: true, force: true }),
  }
}

async function copyRepository(target: string): Promise<void> {
  const sources = ['package.json', 'tsconfig.json', 'scripts', 'core', 'adapters', 'infra', 'docs', 'examples']
  for (const name of [...sources, 'README.md', 'LICENSE', 'CHANGELOG.md', 'SECURITY.md', 'CONTRIBUTING.md']) {
    await cp(join(root, name), join(target, name), { recursive: true })
  }
  await symlink(join(root, 'node_modules'), join(target, 'node_modules'), 'dir')
}

/** Installs packages of this repository into a project, by a link. */
export async function linkPackages(names: readonly string[], project: string): Promise<void> {
  for (const name of names) {
    const target = join(project, 'node_modules', name)
    await mkdir(dirname(target), { recursive: true })
    await symlink(join(root, 'node_modules', name), target, 'dir')
  }
}

export async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(path, 'utf8'))
}

/** Every file below `folder`, relative to it; what is installed inside it left out. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((file) => !/(^|[/\\])node_modules[/\\]/.test(file))
}

/** The packages that installing `names` brings, dependencies of dependencies included, with their sizes in bytes. */
export async function dependencyClosure(
  names: readonly string[],
  from: string,
  found = new Map<string, number>(),
): Promise<Map<string, number>> {
  for (const name of names) {
    const folder = folderOf(name, from)
    if (found.has(folder)) continue
    const sizes = (await filesIn(folder)).map(async (file) => (await stat(join(folder, file))).size)
    found.set(
      folder,
      (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0),
    )
    const { dependencies } = await readJson<Manifest>(join(folder, 'package.json'))
    await dependencyClosure(Object.keys(dependencies ?? {}), folder, found)
  }
  return found
}

function folderOf(name: string, from: string): string {
  const folder = join(from, 'node_modules', name)
  if (existsSync(folder)) return folder
  if (dirname(from) === from) throw new Error(`${name} is not installed. Run npm ci.`)
  return folderOf(name, dirname(from))
}
