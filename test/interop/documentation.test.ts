import { execFile } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { contentOf } from '../docs/support/content.js'
import { isWrittenByHand, pagePaths, readPage, root } from '../docs/support/markdown.js'
import { bundlePrograms, outputOf, runTypeScript } from '../docs/support/running.js'
import { programsOf } from '../docs/support/typescript.js'
import { type Service, startService } from './support/service.js'

/** Each block of Python that is marked to be run, and the block of TypeScript after it, which does the same. */
const pairs = pagePaths()
  .filter(isWrittenByHand)
  .map(readPage)
  .flatMap(({ blocks }) => {
    const programs = programsOf(blocks)
    return blocks
      .filter(({ language, marks }) => language === 'python' && marks.includes('run'))
      .map((python) => {
        const after = programs.find(({ block }) => block.line > python.line)
        return { python, after: after && { ...after, output: outputOf(blocks, after.block) } }
      })
  })

let bundle: Awaited<ReturnType<typeof bundlePrograms>>
beforeAll(async () => {
  const programs = pairs.flatMap(({ after }) => (after === undefined ? [] : [after]))
  bundle = await bundlePrograms(Object.fromEntries(programs.map(({ name, code }) => [name, { code }])))
})
afterAll(() => bundle[Symbol.asyncDispose]())

function runPython(code: string, service: Service): Promise<string> {
  const { connection_string, amqps_port, ca } = service.azure('orders')
  const cache = `${root}.cache/interop`
  const env = {
    PYTHONPATH: `${cache}/lib`,
    LD_LIBRARY_PATH: `${cache}/shared`,
    PYTHONDONTWRITEBYTECODE: '1',
    LANG: 'C.UTF-8',
    EVENTHUB_CONNECTION_STRING: String(connection_string),
    AMQPS_PORT: String(amqps_port),
    CA_FILE: String(ca),
  }
  return new Promise((resolve, reject) => {
    const program = `${root}test/interop/python/run_block.py`
    const child = execFile('/usr/bin/python3', ['-S', program], { env, timeout: 30_000 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`Python ended with ${error.code ?? error.signal}:\n${stderr}`))
    })
    child.stdin?.end(code)
  })
}

test('there are blocks to run', () => {
  expect(pairs.length).toBeGreaterThan(4)
})

test.each(pairs.map((pair) => [pair.python.page, pair.python.line, pair] as const))(
  '%s:%i does in Python what the block after it does in TypeScript',
  async (_page, _line, { python, after }) => {
    if (after === undefined) throw new Error('No block of TypeScript follows.')
    await using service = await startService({ orders: { partitionCount: 4 } })
    const printed = await runPython(python.code, service)
    const { problem, events } = await runTypeScript(after, bundle.path(after.name), after.output)
    expect(problem).toBeUndefined()
    expect(contentOf(service.hub.events('orders'))).toEqual(contentOf(events))
    if (after.output !== undefined) expect(printed.trim()).toBe(after.output.code.trim())
  },
)
