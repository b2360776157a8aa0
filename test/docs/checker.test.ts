import { describe, expect, test } from 'vitest'
import { blockProblems } from './support/blocks.js'
import { brokenLinks } from './support/links.js'
import { parsePage, slugOf } from './support/markdown.js'
import { bundlePrograms, isAsDocumented, outputOf, runShell, runTypeScript } from './support/running.js'
import { commandsOf } from './support/shell.js'
import { programsOf, typeErrors } from './support/typescript.js'

/** A page with one block, whose code begins in line 3. */
const pageOf = (language: string, code: string, mark = '') =>
  parsePage('page.md', `${mark === '' ? '' : `<!-- ${mark} -->`}\n\`\`\`${language}\n${code}\n\`\`\`\n`)

async function problemsOf(language: string, code: string, mark?: string): Promise<string[]> {
  const { blocks } = pageOf(language, code, mark)
  return (await Promise.all(blocks.map(blockProblems))).flat()
}

describe('a block that is wrong is found, with its page and line', () => {
  test('of TypeScript, by itself', async () => {
    const text = [
      '```ts',
      "import { EventHubProducerClient } from 'eventhub-sluice'",
      'EventHubProducerClient.fromConnectionStrng()',
      '```',
      '```ts',
      'const total: number = 1',
      '```',
      '<!-- continues -->',
      '```ts',
      'const text: string = total',
      '```',
      '```ts',
      'console.log(total)',
      '```',
      '```js',
      'Math.sqrt("four")',
      '```',
    ]
    const problems = await typeErrors(programsOf(parsePage('page.md', text.join('\n')).blocks))
    expect(problems).toEqual([
      expect.stringMatching(/^page\.md:3: .*fromConnectionStrng/),
      expect.stringMatching(/^page\.md:10: .*not assignable to type 'string'/),
      expect.stringMatching(/^page\.md:13: .*Cannot find name 'total'/),
      expect.stringMatching(/^page\.md:16: .*not assignable to parameter of type 'number'/),
    ])
  })

  test('that continues nothing', () => {
    const { blocks } = pageOf('ts', 'const one = 1', 'continues')
    expect(() => programsOf(blocks)).toThrow('page.md:3: this block continues none')
  })

  test.each([
    ['a script that does not exist', 'npm run bild', 'page.md:3: package.json has no script "bild".'],
    ['a script of another package', 'npm run nothing --prefix test/runtimes', /no script "nothing"/],
    ['an npm command that does not exist', 'npm isntall', /"npm isntall" is not known/],
    ['a command that does not exist', 'echo\nfrobnicate --all', /^page\.md:4: "frobnicate" is no command/],
    ['one within another', 'aws configure "$(frobnicate)"', /"frobnicate" is no command/],
    ['one behind an assignment', 'KEY=1 frobnicate', /"frobnicate" is no command/],
    ['a package without that command', 'npx eventhub-slice', /neither this package nor one/],
    ['an option that does not exist', 'npx eventhub-sluice hub --prot 1', /Unknown option '--prot'/],
    ['the same through a script', 'npm run local-hub -- --prot 1', /Unknown option '--prot'/],
    ['an example that does not exist', 'npm run example -- nothing', /no example nothing/],
    ['a value that cannot be', 'sluice hub --port many', /--port/],
    ['a command of sluice that does not exist', 'sluice hbu', /hbu/],
    ['a file that is not there', 'az deploy --template-file infra/azure/mian.bicep', /no infra\/azure\/mian\.bicep/],
    ['one after cd', 'cd infra/workflows\nnode n8n/no.mjs', /^page\.md:4: there is no infra\/workflows\/n8n\/no\.mjs/],
    ['a quote without end', "echo 'one", /unexpected EOF/],
    [
      'a placeholder that bash would read as a file',
      'az login --tenant <your tenant> --debug',
      /<your tenant>.*redirection/,
    ],
    ['the same within a word', 'curl https://<name>.example.com', /<name>.*redirection/],
    ['a here-document', 'cat <<EOF\none\nEOF', /here-document/],
  ])('of shell: %s', async (_what, code, problem) => {
    const found = await problemsOf('sh', code.replace('echo\n', 'npm ci\n'))
    expect(found).toEqual([typeof problem === 'string' ? problem : expect.stringMatching(problem)])
  })

  test.each([
    ['json', '{ "one": 1, }', /no JSON/],
    ['python', 'print("one"', /no Python/],
    ['', 'a drawing', /says no language/],
    ['typescript', 'const one = 1', /nothing checks blocks in "typescript"/],
    ['yaml', 'one: 1', /nothing checks blocks in "yaml"/],
  ])('in "%s"', async (language, code, problem) => {
    expect(await problemsOf(language, code)).toEqual([expect.stringMatching(problem)])
    expect((await problemsOf(language, code))[0]).toMatch(/^page\.md:3: /)
  })

  test('with a mark that nobody knows', async () => {
    expect(await problemsOf('text', 'one', 'rnu')).toEqual([expect.stringMatching(/"rnu" is no mark/)])
  })

  test.each(['<!--run-->', '<!-- Run -->', 'text -->'])(
    'with a comment before it that would mark nothing: %s',
    (line) => {
      expect(() => parsePage('page.md', `\n${line}\n\`\`\`ts\n\`\`\``)).toThrow('page.md:2: marks of a block are words')
    },
  )

  test('that is fenced in another way', () => {
    expect(() => parsePage('page.md', '~~~ts\nconst one = 1\n~~~')).toThrow('page.md:1: blocks of code are fenced by')
  })

  test('that has no end', () => {
    expect(() => parsePage('page.md', 'text\n```ts\nconst one = 1')).toThrow('page.md:2: this block of code has no end')
  })
})

test('blocks that are right are let through', async () => {
  const shell = `npm ci && npm start
sluice hub --port 0 --json && sluice --help
issuer=$(aws iam get --query 'a b' --output text)   # a comment's end
(cd dist/x && zip -qr ../x.zip .)
curl "https://example.com/events?code=$issuer" -d '[{"order":1}]' \\
  -H 'x: <y>' > /dev/null 2>&1`
  expect(await problemsOf('sh', shell)).toEqual([])
  expect(commandsOf(shell).map(({ line, words }) => `${line} ${words[0]}`)).toEqual([
    '1 npm',
    '1 npm',
    '2 sluice',
    '2 sluice',
    '3 aws',
    '4 cd',
    '4 zip',
    '5 curl',
  ])
  expect(await problemsOf('json', '{ "one": [1] }')).toEqual([])
  expect(await problemsOf('python', 'def one():\n    return f"{1}"')).toEqual([])
  expect(await problemsOf('text', 'anything')).toEqual([])
})

describe('a block that is run', () => {
  const outcomeOf = async (code: string, said: string) => {
    const text = `<!-- run -->\n\`\`\`ts\n${code}\n\`\`\`\n\n\`\`\`text\n${said}\n\`\`\`\n`
    const { blocks } = parsePage('page.md', text)
    const [program] = programsOf(blocks)
    if (program === undefined) throw new Error('There is no program.')
    await using bundle = await bundlePrograms({ [program.name]: { code } })
    const { problem } = await runTypeScript(program, bundle.path(program.name), outputOf(blocks, program.block))
    return problem
  }

  test('must print what the page says', async () => {
    expect(await outcomeOf('console.log(1 + 1)', '2')).toBeUndefined()
    expect(await outcomeOf('console.log(1 + 1)', '3')).toMatch(/^page\.md:3: this block prints\n2\n.*line 7 says:\n3$/s)
  })

  test('must not fail', async () => {
    expect(await outcomeOf("throw new Error('broken')", '')).toMatch(/^page\.md:3: this block ends with 1:.*broken/s)
  })

  test('of shell must not fail either', async () => {
    const { blocks } = pageOf('sh', 'curl --fail --silent http://localhost:8080/nowhere', 'run')
    expect(await runShell(blocks[0]!, undefined)).toMatch(/^page\.md:3: this block ends with/)
  })

  test.each([
    ['a\nb', 'a\nb\n', true],
    ['a …', 'a 12.5 ms', true],
    ['a …', 'b', false],
    ['a.b', 'axb', false],
    ['a\n…\nd', 'a\nb\nc\nd', true],
    ['a\n…\nd', 'a\nd', true],
    ['a', 'a\nb', false],
  ])('says %j, where %j is printed: %s', (documented, printed, isRight) => {
    expect(isAsDocumented(documented, printed)).toBe(isRight)
  })
})

describe('a link', () => {
  const broken = (text: string) => brokenLinks([parsePage('docs/page.md', text)])

  test.each([
    ['to a file that is not there', '[a](nothing.md)', /^docs\/page\.md:1: nothing\.md: there is no such file/],
    ['to a heading that is not there', '# One\n\n[a](#two)', /^docs\/page\.md:3: #two: there is no heading "two"/],
    ['to a heading of another page', '[a](../README.md#nothing)', /there is no heading "nothing"/],
    ['by reference', '[a]: nothing.md', /there is no such file/],
    ['to a picture', '![a](images/nothing.svg)', /there is no such file/],
    ['of HTML', '<img alt="" src="nothing.png">', /there is no such file/],
    ['out of the repository', '[a](../../outside.md)', /leads out/],
  ])('%s is found', (_what, text, problem) => {
    expect(broken(text)).toEqual([expect.stringMatching(problem)])
  })

  test('that leads somewhere is let through, and code is no link', () => {
    const text =
      '# A `b`: (c)\n# A `b`: (c)\n[a](#a-b-c) [b](#a-b-c-1) [c](../README.md) [d](https://example.com) `[e](f)`'
    expect(broken(text)).toEqual([])
    expect(slugOf('Answering early: `Prefer: respond-async`')).toBe('answering-early-prefer-respond-async')
  })
})
