import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { Feed } from '../../../../infra/hub-page/feed.js'
import type { Update } from '../../../../infra/hub-page/protocol.js'

/** A page of which the test says how much it has not read yet. */
function reader() {
  const told: Update[] = []
  const response = {
    writableLength: 0,
    writeHead: () => {},
    on: () => {},
    write: (text: string) => told.push(JSON.parse(text.replace(/^(retry: \d+\n\n)?data: /, '')) as Update),
  }
  return { told, response, asResponse: response as unknown as ServerResponse }
}

const snapshot: Update = { at: 99, connections: [] }
const news = (at: number): Update => ({ at, happened: [] })

test('a page is told everything first, then what is new', () => {
  const feed = new Feed(() => snapshot)
  const { told, asResponse } = reader()
  feed.add(asResponse, {})
  feed.tell(news(1))
  feed.tell(news(2))
  expect(told).toEqual([snapshot, news(1), news(2)])
})

test('a page that does not read is left out, and told everything anew when it does; others notice nothing', () => {
  const feed = new Feed(() => snapshot)
  const [slow, quick] = [reader(), reader()]
  feed.add(slow.asResponse, {})
  feed.add(quick.asResponse, {})
  slow.response.writableLength = 2 ** 21
  for (const at of [1, 2, 3]) feed.tell(news(at))
  expect([slow.told.length, quick.told.length]).toEqual([1, 4])
  slow.response.writableLength = 0
  feed.tell(news(4))
  feed.tell(news(5))
  expect(slow.told.slice(1)).toEqual([snapshot, news(5)])
})

test('without news it gives a sign of life once in ten ticks', () => {
  const feed = new Feed(() => snapshot)
  const { told, asResponse } = reader()
  feed.add(asResponse, {})
  for (let at = 1; at <= 30; at++) feed.tell({ at })
  expect(told.slice(1).map(({ at }) => at)).toEqual([10, 20, 30])
})

test('takes sixteen pages and no more', () => {
  const feed = new Feed(() => snapshot)
  for (let i = 0; i < 16; i++) feed.add(reader().asResponse, {})
  expect(feed.isFull).toBe(true)
})
