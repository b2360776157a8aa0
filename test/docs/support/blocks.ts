import { execFile } from 'node:child_process'
import { commandProblem, folderAfter } from './commands.js'
import { type Block, knownMarks } from './markdown.js'
import { commandsOf, ShellError } from './shell.js'

/** Languages whose blocks are read by people alone: output, drawings, requests, and templates of other tools. */
const prose: ReadonlySet<string> = new Set(['text', 'http'])

/** Languages whose blocks tsc reads, all at once: see typescript.ts. */
const typeScript: ReadonlySet<string> = new Set(['ts', 'js'])

/** What is wrong with a block that is in no language of tsc's, as `page:line: problem`. */
export async function blockProblems(block: Block): Promise<string[]> {
  const at = (problem: string, line = 1) => `${block.page}:${block.line + line - 1}: ${problem}`
  const unknown = block.marks.filter((mark) => !knownMarks.has(mark))
  const marks = unknown.map((mark) => at(`"${mark}" is no mark of a block. There are: ${[...knownMarks].join(', ')}.`))
  const { language } = block
  if (language === 'sh') return [...marks, ...(await shellProblems(block, at))]
  if (language === 'json') return [...marks, ...jsonProblems(block, at)]
  if (language === 'python') return [...marks, ...(await pythonProblems(block, at))]
  if (prose.has(language) || typeScript.has(language)) return marks
  const what = language === '' ? 'this block says no language' : `nothing checks blocks in "${language}"`
  return [...marks, at(`${what}. Use text for what is only to be read.`)]
}

type At = (problem: string, line?: number) => string

async function shellProblems({ code }: Block, at: At): Promise<string[]> {
  const syntax = await run('bash', ['-n'], code)
  if (syntax !== '') return [at(syntax)]
  try {
    let folder = '.'
    const problems: string[] = []
    for (const command of commandsOf(code)) {
      if (command.words[0] === 'cd') folder = folderAfter(command, folder)
      else {
        const problem = commandProblem(command, folder)
        if (problem !== undefined) problems.push(at(problem, command.line))
      }
    }
    return problems
  } catch (error) {
    if (error instanceof ShellError) return [at(error.message, error.line)]
    throw error
  }
}

function jsonProblems({ code }: Block, at: At): string[] {
  try {
    JSON.parse(code)
    return []
  } catch (error) {
    return [at(`this is no JSON: ${(error as Error).message}`)]
  }
}

/** Where there is no Python the block goes unchecked here; test/interop, which needs one, runs those that are marked. */
async function pythonProblems({ code }: Block, at: At): Promise<string[]> {
  const program = 'import ast, sys; ast.parse(sys.stdin.read())'
  const problem = await run('python3', ['-c', program], code).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  return problem === '' ? [] : [at(`this is no Python: ${problem.trimEnd().split('\n').at(-1)}`)]
}

/** What a program says against its input; empty when it is content. */
function run(command: string, args: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, (error, _stdout, stderr) => {
      if (error === null) resolve('')
      else if (typeof error.code === 'number') resolve(stderr.trim() || `${command} ends with ${error.code}`)
      else reject(error)
    })
    child.stdin?.on('error', () => {})
    child.stdin?.end(`${input}\n`)
  })
}
