import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, CommanderError } from 'commander'
import type { CliContext } from '../../../infra/cli/context.js'
import { createProgram } from '../../../infra/cli/program.js'
import { root } from './markdown.js'
import type { Command as ShellCommand } from './shell.js'

/** Says what is wrong with a command's arguments; undefined when nothing is. */
type Check = (args: readonly string[], folder: string) => string | undefined

/** Tools of others: that they exist is taken on trust, and bash has checked the syntax. */
const external: ReadonlySet<string> = new Set([
  'apt-get',
  'aws',
  'az',
  'bun',
  'cat',
  'cp',
  'curl',
  'deno',
  'echo',
  'export',
  'func',
  'grep',
  'gunzip',
  'gzip',
  'head',
  'jq',
  'paconn',
  'printf',
  'sort',
  'tail',
  'tee',
  'wc',
  'zip',
])

/** Tools of others that `npx` gets from the registry. */
const externalPackages: ReadonlySet<string> = new Set(['wrangler', 'azurite'])

/** What `npm` does besides running scripts. */
const npmCommands: ReadonlySet<string> = new Set(['ci', 'install', 'pack', 'publish'])

const commands: Readonly<Record<string, Check>> = {
  npm: checkNpm,
  npx: checkNpx,
  node: checkNode,
  sluice: checkSluice,
  'eventhub-sluice': checkSluice,
}

/** What is wrong with a command of a page. `folder` is where the commands before it have gone, from the root. */
export function commandProblem({ words }: ShellCommand, folder: string): string | undefined {
  const [name = '', ...args] = words
  const missing = missingPath(words, folder)
  if (missing !== undefined) return missing
  const check = commands[name]
  if (check !== undefined) return check(args, folder)
  // A file of this repository, which has been looked for.
  if (external.has(name) || /^[\w.-]*\/[\w./-]+$/.test(name)) return undefined
  return `"${name}" is no command that pages may use. Is it spelt right? If so, name it in test/docs/support/commands.ts.`
}

/** The folder after `cd`; undefined for one that is not of this repository. */
export function folderAfter({ words }: ShellCommand, folder: string): string {
  const [name, target = ''] = words
  return name === 'cd' && !/^[~/$]/.test(target) ? join(folder, target) : folder
}

/** A path into this repository must be there, wherever in a command it stands. */
function missingPath(words: readonly string[], folder: string): string | undefined {
  const topLevel = /^(?:@|file:\/\/)?(?<path>(?:\.ci|adapters|core|docs|examples|infra|scripts|test)\/[\w./-]+)$/
  for (const word of words) {
    const path = topLevel.exec(word)?.groups?.path
    if (path !== undefined && !existsSync(join(root, folder, path))) return `there is no ${join(folder, path)}.`
  }
  return undefined
}

function manifest(folder: string): { scripts: Record<string, string>; bin?: Record<string, string> } {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
}

function checkNpm(args: readonly string[], folder: string): string | undefined {
  const prefixAt = args.indexOf('--prefix')
  const inFolder = prefixAt === -1 ? folder : join(folder, args[prefixAt + 1] ?? '')
  const [command = '', script = ''] = args.filter((_, i) => prefixAt === -1 || (i !== prefixAt && i !== prefixAt + 1))
  if (npmCommands.has(command)) return undefined
  const name = command === 'run' ? script : command === 'test' || command === 'start' ? command : undefined
  if (name === undefined) return `"npm ${command}" is not known here.`
  if (!existsSync(join(root, inFolder, 'package.json'))) return `there is no package.json in ${inFolder}.`
  const line = manifest(inFolder).scripts[name]
  if (line === undefined) return `package.json has no script "${name}".`
  return scriptProblem(name, line, args.includes('--') ? args.slice(args.indexOf('--') + 1) : [])
}

/** What is handed on to a script of ours, as far as it can be told from here. */
function scriptProblem(name: string, line: string, args: readonly string[]): string | undefined {
  const [, command] = /sluice\.js (?<command>\w+)$/.exec(line) ?? []
  if (command !== undefined) return checkSluice([command, ...args])
  if (name !== 'example') return undefined
  return args.every((arg) => existsSync(`${root}examples/${arg}/main.ts`)) ? undefined : `there is no example ${args}.`
}

function checkNpx(args: readonly string[], folder: string): string | undefined {
  const [name = '', ...rest] = args
  if (externalPackages.has(name)) return undefined
  const own = commands[name]
  if (own !== undefined && name in (manifest('.').bin ?? {})) return own(rest, folder)
  if (existsSync(join(root, 'node_modules/.bin', name))) return undefined
  return `"npx ${name}": neither this package nor one that it installs has such a command.`
}

function checkNode(args: readonly string[], folder: string): string | undefined {
  const [file = ''] = args
  if (file.startsWith('-')) return undefined
  // What a build makes is not there in a clean clone.
  if (file.startsWith('dist/') || existsSync(join(root, folder, file))) return undefined
  return `there is no ${join(folder, file)}.`
}

/** Parsed by the program itself, which then does nothing: a wrong option, value or command is its own error. */
function checkSluice(args: readonly string[]): string | undefined {
  const said: string[] = []
  const output = { isTTY: false, columns: 80, write: (text: string | Uint8Array) => said.push(`${text}`) > 0 }
  const environment = { stdout: output, stderr: output, env: {} } as unknown as CliContext['environment']
  const program = createProgram({ environment, exitCode: 0 })
  const disarm = (command: Command): void => {
    command.exitOverride().action(() => {})
    for (const sub of command.commands) disarm(sub as Command)
  }
  for (const command of program.commands) disarm(command as Command)
  try {
    program.parse(args, { from: 'user' })
    return undefined
  } catch (error) {
    if (!(error instanceof CommanderError)) return `sluice refuses this: ${(error as Error).message}`
    // After --help and --version it would end as well.
    return error.exitCode === 0 ? undefined : said.join('').trim()
  }
}
