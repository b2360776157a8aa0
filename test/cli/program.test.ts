import { describe, expect, test } from 'vitest'
import { EventHubError } from '../../core/index.js'
import { packageVersion } from '../../core/options.js'
import { exitCodeOf } from '../../infra/cli/exit-codes.js'
import { explain } from '../../infra/cli/explain.js'
import { run } from './in-process.js'

async function commandNames(): Promise<string[]> {
  const { out } = await run(['--help'])
  const listed = out.slice(out.indexOf('Commands:'), out.indexOf('Examples:'))
  return [...listed.matchAll(/^ {2}(\w+) /gm)].map((match) => match[1] ?? '').filter((name) => name !== 'help')
}

test('no command, --help and help say the same, and end well', async () => {
  const { code, out, error } = await run([])
  expect([code, error]).toEqual([0, ''])
  expect(out).toContain('Usage: sluice')
  expect(await run(['--help'])).toEqual({ code, out, error })
  expect(await run(['help'])).toEqual({ code, out, error })
})

test('--version tells the version of the package', async () => {
  expect(await run(['--version'])).toEqual({ code: 0, out: `${packageVersion}\n`, error: '' })
})

test('every command has help with examples, and it names the options of all commands', async () => {
  const names = await commandNames()
  expect(names).toContain('hub')
  for (const name of names) {
    const { code, out, error } = await run([name, '--help'])
    expect([name, code, error]).toEqual([name, 0, ''])
    expect(out).toContain(`Usage: sluice ${name}`)
    expect(out).toMatch(new RegExp(`Examples:\\n(.*\\n)* {2}sluice ${name}`))
    for (const flag of ['--help', '--json', '--verbose']) expect(out).toContain(flag)
    expect((await run(['help', name])).out).toBe(out)
  }
})

describe('what is mistyped', () => {
  test.each([
    [['hubb'], "sluice: Unknown command 'hubb'. Did you mean hub?"],
    [['frobnicate'], "sluice: Unknown command 'frobnicate'. Use --help to see what there is."],
    [['--versoin'], "sluice: Unknown option '--versoin'. Did you mean --version?"],
    [['hub', '--jsn'], "sluice: Unknown option '--jsn'. Did you mean --json?"],
  ])('%j: the nearest is suggested, and it ends with 2', async (args, sentence) => {
    const { code, out, error } = await run(args)
    expect([code, out, error]).toEqual([2, '', `${sentence}\n`])
  })
})

test('an error is one sentence, and all there is of it with --verbose', async () => {
  const args = ['hub', '--no-page', '--port', '0', '--http-port', '0', '--hub', 'no/slash']
  const { error } = await run(args)
  expect(error.trimEnd()).not.toContain('\n')
  const verbose = await run([...args, '--verbose'])
  expect(verbose.error).toContain(error.trim().slice('sluice: '.length))
  expect(verbose.error).toMatch(/\n +at /)
})

test('errors of the file system and of the client are told in words that say what to do', () => {
  const system = (code: string) => Object.assign(new Error('raw'), { code, syscall: 'open', path: '/some/file' })
  expect(explain(system('ENOENT'))).toBe("'/some/file' does not exist. Check the path.")
  expect(explain(system('EACCES'))).toContain('Check its permissions.')
  expect(explain(system('EISDIR'))).toContain('Name a file.')
  expect(explain(new EventHubError('In its words.', { code: 'unauthorized' }))).toBe('In its words.')
})

test('a command that a signal ends has the code that a shell gives it', () => {
  expect([exitCodeOf('SIGINT'), exitCodeOf('SIGTERM')]).toEqual([130, 143])
})
