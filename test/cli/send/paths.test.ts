import { spawnSync } from 'node:child_process'
import { link, readFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startWorkbench, type Workbench } from './hub.js'

let bench: Workbench
beforeEach(async () => {
  bench = await startWorkbench()
})
afterEach(() => bench.remove())

describe('the files of sluice send', () => {
  test('an input that is not there is told before anything else about it', async () => {
    const { code, error } = await bench.send('nothing')
    expect([code, error]).toEqual([1, "sluice: 'nothing' does not exist. Check the path.\n"])
    expect(await bench.send(bench.folder)).toMatchObject({ code: 2, error: expect.stringContaining('is a folder') })
  })

  test('what is sent is not written to, whatever the options name', async () => {
    const file = await bench.write('a.ndjson', '1\n{bad\n2\n')
    const other = bench.path('b.ndjson')
    await link(file, other)
    for (const name of [file, other]) {
      for (const options of [
        ['--dead-letter', name],
        ['--ledger', name],
        ['--ledger', name, '--restart'],
      ]) {
        const { code, error } = await bench.send(file, ...options)
        expect([code, error]).toEqual([2, expect.stringContaining('names the file that is to be sent')])
      }
    }
    const both = await bench.send(file, '--ledger', bench.path('x'), '--dead-letter', `${bench.folder}/./x`)
    expect([both.code, both.error]).toEqual([2, expect.stringContaining('name the same file')])
    expect(await readFile(file, 'utf8')).toBe('1\n{bad\n2\n')
    expect(bench.bodies()).toEqual([])
  })

  test('a ledger takes the place of no file of another kind', async () => {
    const file = await bench.write('a.ndjson', '1\n')
    const letter = await bench.write('letter.txt', 'Dear reader,\n')
    const { code, error } = await bench.send(file, '--ledger', letter, '--restart')
    expect([code, error]).toEqual([2, expect.stringContaining('is no ledger of sluice send')])
    expect(await readFile(letter, 'utf8')).toBe('Dear reader,\n')
    spawnSync('mkfifo', [bench.path('pipe')])
    for (const path of [bench.path('pipe'), bench.folder]) {
      expect((await bench.send(file, '--ledger', path)).error).toMatch(/^sluice: The ledger '.*' is no file\./)
    }
    // One that is damaged is a ledger all the same.
    expect((await bench.send(file, '--ledger', bench.path('l'))).code).toBe(0)
    const damaged = (await readFile(bench.path('l'), 'utf8')).replace('"n":[1', '"n":[2')
    await bench.write('l', `${damaged}${damaged}`)
    expect((await bench.send(file, '--ledger', bench.path('l'))).code).toBe(2)
    expect((await bench.send(file, '--ledger', bench.path('l'), '--restart')).code).toBe(0)
  })

  test('dead letters may go where nothing is kept', async () => {
    const file = await bench.write('a.ndjson', '1\n{bad\n')
    const { code, error, out } = await bench.send(file, '--dead-letter', '/dev/null')
    expect([code, error, out]).toEqual([3, '', expect.stringContaining('1 was refused')])
  })
})
