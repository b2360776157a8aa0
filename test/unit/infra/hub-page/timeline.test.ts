import { expect, test } from 'vitest'
import { Timeline } from '../../../../infra/hub-page/timeline.js'

const calm = { throttle: false, silence: false, refuseConnections: false, latencyInMs: 0 }

test('notes a fault when it begins and when it ends, whoever switched it, as one span', () => {
  let now = 1000
  const timeline = new Timeline(() => now)
  expect(timeline.observe(calm, false)).toBe(false)
  expect(timeline.observe({ ...calm, silence: true }, false)).toBe(true)
  timeline.observe({ ...calm, silence: true }, false)
  now = 3000
  timeline.observe(calm, false)
  expect(timeline.spans).toMatchObject([{ name: 'Silence', from: 1000, until: 3000 }])
  expect(timeline.take().happened.map((one) => 'text' in one && one.text.split('.')[0])).toEqual([
    'Silence on',
    'Silence off',
  ])
  expect(timeline.take()).toEqual({ happened: [], spans: undefined })
})

test('another latency is told, but the fault lasts on; a freeze is a span of its own', () => {
  let now = 0
  const timeline = new Timeline(() => now)
  timeline.observe({ ...calm, latencyInMs: 50 }, false)
  now = 10
  timeline.observe({ ...calm, latencyInMs: 80 }, true)
  now = 20
  timeline.observe(calm, true)
  expect(timeline.spans.map(({ name, from, until }) => [name, from, until])).toEqual([
    ['Added latency', 0, 20],
    ['Frozen', 10, undefined],
  ])
})

test('keeps the newest of a flood, and tells no more than two hundred at once', () => {
  const timeline = new Timeline(() => 0)
  for (let i = 0; i < 5000; i++) timeline.add({ kind: 'client', level: 'debug', text: String(i) })
  const { happened } = timeline.take()
  expect([happened.length, happened.at(-1)]).toEqual([200, expect.objectContaining({ text: '4999' })])
  expect(timeline.kept.length).toBeLessThanOrEqual(600)
})
