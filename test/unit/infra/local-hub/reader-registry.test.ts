import { describe, expect, test } from 'vitest'
import { type Reader, ReaderRegistry } from '../../../../infra/local-hub/reader-registry.js'

function reader(epoch?: number): Reader & { readonly conditions: string[] } {
  const conditions: string[] = []
  return { epoch, conditions, disconnect: ({ condition }) => conditions.push(condition) }
}

describe('the readers of a partition in a consumer group', () => {
  test('are five at most; one that leaves makes room, and other groups and partitions do not count', () => {
    const registry = new ReaderRegistry()
    const leave = Array.from({ length: 5 }, () => registry.join('$Default', '0', reader()))
    expect(() => registry.join('$default', '0', reader())).toThrow('At most 5 receivers')
    registry.join('audit', '0', reader())
    registry.join('$Default', '1', reader())
    leave[2]?.()
    registry.join('$Default', '0', reader())
    expect(() => registry.join('$Default', '0', reader())).toThrow('At most 5 receivers')
  })

  test('give way to an epoch, all of them, and only to one that is not lower', () => {
    const registry = new ReaderRegistry()
    const plain = [reader(), reader()]
    for (const each of plain) registry.join('g', '0', each)
    const first = reader(3)
    const leaveFirst = registry.join('g', '0', first)
    expect(plain.map(({ conditions }) => conditions)).toEqual([['amqp:link:stolen'], ['amqp:link:stolen']])
    expect(() => registry.join('g', '0', reader(2))).toThrow("epoch '3'")
    expect(() => registry.join('g', '0', reader())).toThrow("epoch '3'")
    expect(first.conditions).toEqual([])
    leaveFirst()
  })

  test('a reader that leaves while it is being replaced does not take its successor with it', () => {
    const registry = new ReaderRegistry()
    let leave = (): void => {}
    const old: Reader = { epoch: 0, disconnect: () => leave() }
    leave = registry.join('g', '0', old)
    registry.join('g', '0', reader(0))
    expect(() => registry.join('g', '0', reader())).toThrow("epoch '0'")
  })
})
