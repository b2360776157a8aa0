import { expect, test } from 'vitest'
import { labelRows } from '../../../../../infra/hub-page/ui/label-rows.js'

test('labels that would overlap stand one below the other, and a row is used again where there is room', () => {
  const label = (x: number, width = 50) => ({ x, width })
  expect(labelRows([label(0), label(100), label(200)])).toEqual([0, 0, 0])
  // Four faults switched on at once, and one long after.
  expect(labelRows([label(10), label(11), label(12), label(9), label(90)])).toEqual([0, 1, 2, 3, 0])
  expect(labelRows([label(0), label(40), label(53), label(60)])).toEqual([0, 1, 2, 0])
  expect(labelRows([])).toEqual([])
})
